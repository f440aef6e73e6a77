// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Installs what explicit steering and SIDs need in the kernel in addition to tc: the policy device with the program at
// its egress, and routes that lead into it, pass our programs, or are SIDs. All of it is marked as ours and removed at
// the end. What others change of it is found by look() and restored by mend().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/problems.hpp"
#include "detector/core/upkeep.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/kernel/policy_device.hpp"
#include "detector/kernel/routes.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/maps/policy_table.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

class Installation {
  public:
    Installation(std::string node, Dataplane& dataplane, const SessionTable& sessions, TcKind kind)
        : node_(std::move(node)), dataplane_(dataplane), sessions_(sessions), kind_(kind) {}

    /// Creates the device with this name (or adopts a predecessor's) and attaches its program. Removes a device of ours
    /// with another name, and its routes. An empty name means no device. What fails is a problem, and tried again by
    /// mend().
    void set_device(const std::string& name);
    /// Makes the splitter, which makes GSO packets fit for hitless policies, or removes it. To be called before the first
    /// such policy is in force, and after the last one. What fails is a problem, and tried again by mend().
    void set_splitter(bool wanted);
    /// Makes the kernel's tables contain what these policies and SIDs need and, if `complete`, no other routes of ours.
    /// What cannot be installed is a problem; the rest is installed.
    void apply(const PolicyTable& policies, const std::vector<SidConfig>& sids, bool complete);
    /// The device, the splitter and their programs, as they are now.
    [[nodiscard]] std::vector<Finding> look();
    /// The routes, as they are now. Dumps our routes.
    [[nodiscard]] Finding look_at_routes(const PolicyTable& policies, const std::vector<SidConfig>& sids);
    /// What is installed and not used, and who precedes it: of SIDs and of steered prefixes, SIDs first, as many as can be
    /// looked up without holding up the loop.
    [[nodiscard]] ProblemTexts look_for_shadows(const PolicyTable& policies, const std::vector<SidConfig>& sids);
    /// Restores what look() found; routes are installed by apply(). False: the thing is not one of these.
    std::optional<Result<void>> mend(const std::string& thing);
    /// What could not be installed.
    [[nodiscard]] const ProblemTexts& problems() const { return problems_; }
    /// True if apply() would install something else now: routes into the policy device wait until packets can leave it,
    /// and a router may have told of a smaller link.
    [[nodiscard]] bool overdue(const PolicyTable& policies) const;
    /// Removes everything.
    void remove();

  private:
    [[nodiscard]] std::vector<RouteSpec> routes_of(const Policy& policy, std::uint32_t mtu) const;
    [[nodiscard]] std::optional<RouteSpec> route_of(const SidConfig& sid) const;
    [[nodiscard]] std::uint32_t steered_mtu(const PolicyTable& policies) const;
    [[nodiscard]] bool can_be_installed(const RouteSpec& route) const;
    [[nodiscard]] bool has_way_out(const PolicyConfig& policy) const;
    [[nodiscard]] std::vector<RouteSpec> wanted_routes(const PolicyTable& policies, const std::vector<SidConfig>& sids,
                                                       std::uint32_t mtu) const;
    Result<void> make_device(const std::string& name);
    Result<void> attach_egress();
    std::vector<Finding> look_at_device();
    Finding look_at_splitter();
    Result<void> put_splitter();
    Result<void> install(const std::vector<RouteSpec>& wanted, std::uint32_t mtu, bool complete);
    Result<void> restore(const std::vector<RouteSpec>& wanted);
    Result<std::vector<RouteSpec>> missing(const std::vector<RouteSpec>& wanted);
    Result<InstalledRoutes*> routes();
    Rtnl* rtnl();

    std::string node_;
    Dataplane& dataplane_;
    const SessionTable& sessions_;
    TcKind kind_;
    std::optional<PolicyDevice> device_;
    std::optional<TcHook> egress_;
    std::optional<InstalledRoutes> routes_;
    std::optional<Rtnl> rtnl_;    ///< for rtnl()
    std::string device_name_;     ///< as wanted
    std::optional<bool> splits_;  ///< as wanted; unset: a predecessor's has not been looked at
    ProblemTexts problems_;
    std::uint64_t mtu_changes_ = 0;  ///< of the policies, as apply() saw them
    std::set<Prefix> waiting_;       ///< steered into the device, but not installed yet
    std::set<Prefix> steered_;       ///< installed before; they stay
};

/// The routes as a thing of Upkeep.
inline constexpr const char* kOurRoutes = "our routes";
/// The splitter as a thing of Upkeep.
inline constexpr const char* kSplitter = "the splitter of GSO packets";

/// Removes what a dead process left installed.
Result<void> remove_installed();

}  // namespace sidestep
