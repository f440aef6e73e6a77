// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Installs what explicit steering and SIDs need in the kernel in addition to tc: the policy device with the program at
// its egress, and routes that lead into it, pass our programs, or are SIDs. All of it is marked as ours and removed at
// the end.
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

    /// Creates the device with this name (or adopts a predecessor's) and attaches its program. Removes a device of ours
    /// with another name, and its routes. An empty name means no device.
    Result<void> set_device(const std::string& name);
    /// Makes the kernel's tables contain what these policies and SIDs need and, if `complete`, no other routes of ours.
    /// If a route cannot be installed, it installs the others and returns an error.
    Result<void> apply(const std::vector<Policy>& policies, const std::vector<SidConfig>& sids, bool complete);
    /// True if a route that apply() did not install can be installed now: routes into the policy device wait until the
    /// MAC address of a neighbor is known.
    [[nodiscard]] bool overdue(const std::vector<Policy>& policies) const;
    /// Removes everything.
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
    std::set<Prefix> waiting_;  ///< steered into the device, but not installed yet
    std::set<Prefix> steered_;  ///< installed before; they stay
};

/// Removes what a dead process left installed.
Result<void> remove_installed();

}  // namespace sidestep
