// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Questions about a configuration and its machine that several checks ask.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "doctor/machine.hpp"

namespace sidestep {

inline constexpr unsigned kLeastMtu = 1280;  ///< of a link with IPv6 (RFC 8200, 5)

/// Calls `use` with each list of policies and bypasses, with its owner ("policy to-D") and the policy; that is null for
/// a bypass.
template <typename Use>
void for_each_list(const Config& config, const Use& use) {
    for (const auto& policy : config.policies) {
        for (const auto& candidate : policy.candidates) {
            for (const auto& list : candidate.lists) use("policy " + policy.name, list, &policy);
        }
    }
    for (const auto& adjacency : config.adjacencies) {
        for (const auto& candidate : adjacency.bypass) {
            for (const auto& list : candidate.lists) {
                use("bypass of " + adjacency.name, list, static_cast<const PolicyConfig*>(nullptr));
            }
        }
    }
}

/// Calls `use` with each list as the daemon answers it, and its policy; computed ones and bypasses included.
template <typename Use>
void for_each_answered_list(const DaemonView& daemon, const Use& use) {
    using nlohmann::json;
    if (!daemon.policies.is_object()) return;
    for (const auto& policy : daemon.policies.value("policies", json::array())) {
        for (const auto& candidate : policy.value("candidates", json::array())) {
            for (const auto& list : candidate.value("lists", json::array())) use(policy, list);
        }
    }
}

/// `largest_packet` of a list as the daemon answers it.
std::optional<unsigned> room_of(const nlohmann::json& list);

/// Null if there is none of this name.
const AdjacencyConfig* adjacency_of(const Config& config, const std::string& name);

/// Nothing that can be seen of the interface keeps it from carrying probes: it is there, up, with carrier and room for
/// IPv6 if the neighbor is known by that, and no port of a bridge.
bool can_carry(const Machine& machine, const AdjacencyConfig& adjacency);

/// True unless all neighbors on the interface are known by IPv4; without neighbors there, all neighbors of the node.
bool needs_ipv6(const Config& config, const std::string& interface);

/// The daemon has proof of the adjacency; without a daemon, its interface can carry probes.
bool answers(const Case& node, const AdjacencyConfig& adjacency);

/// The daemon probes it, and it is silent now.
bool is_silent(const nlohmann::json& session);

/// The largest MTU among the interfaces where packets come in that leave by the others; 0 if there is none.
unsigned largest_ingress(const Case& node, const std::set<std::string>& but);

}  // namespace sidestep
