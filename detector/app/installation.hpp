// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What explicit steering and SIDs need in the kernel beside tc: the policy device with the program at its egress, and
// the routes that lead into it, pass our programs, or are SIDs. All of it carries our mark and is removed on the way
// out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

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

    /// Creates the device of this name (or adopts a predecessor's) and attaches its program; a device of ours with another
    /// name goes, with its routes. Empty: none.
    Result<void> set_device(const std::string& name);
    /// Makes the kernel's tables hold what these policies and SIDs need and, if this is `complete`, nothing else of
    /// ours. A route that cannot be installed is an error, after all the others were.
    Result<void> apply(const std::vector<Policy>& policies, const std::vector<SidConfig>& sids, bool complete);
    /// True if something was not installed by apply() that can be now: routes into the policy device wait until a
    /// neighbor is known that what is steered can be sent to.
    [[nodiscard]] bool overdue(const std::vector<Policy>& policies) const;
    /// Takes everything away.
    void remove();

  private:
    [[nodiscard]] std::vector<RouteSpec> routes_of(const Policy& policy, std::uint32_t mtu) const;
    [[nodiscard]] std::optional<RouteSpec> route_of(const SidConfig& sid) const;
    [[nodiscard]] std::uint32_t steered_mtu(const std::vector<Policy>& policies) const;
    [[nodiscard]] bool can_be_installed(const RouteSpec& route) const;
    [[nodiscard]] bool has_way_out(const PolicyConfig& policy) const;
    Result<void> restore(const std::vector<RouteSpec>& wanted);
    Result<InstalledRoutes*> routes();

    std::string node_;
    Dataplane& dataplane_;
    const SessionTable& sessions_;
    TcKind kind_;
    std::optional<PolicyDevice> device_;
    std::optional<TcHook> egress_;
    std::optional<InstalledRoutes> routes_;
    std::set<Prefix> waiting_;  ///< steered into the device, and not to be installed yet
    std::set<Prefix> steered_;  ///< installed once: they stay
};

/// Removes what a process that is gone left installed.
Result<void> remove_installed();

}  // namespace sidestep
