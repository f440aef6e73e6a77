// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The state that this node is to have: the sum of what the configuration, routing and clients ask for, as one value. Start,
// reload, a new computed set and a client's request all make such a value, and the engine moves to it
// (change_plan.hpp says by which steps).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/core/policy_set.hpp"
#include "detector/core/session_list.hpp"
#include "detector/core/shared_value.hpp"

namespace sidestep {

/// Settings that every packet is held against (ss_node).
struct NodeSettings {
    Address source;
    std::optional<Address> source_v4;
    std::vector<Prefix> domain;

    bool operator==(const NodeSettings&) const = default;
};

/// How to recognize an adjacency in the FIB's answers, and in the topology.
struct AdjacencyKey {
    std::string name;
    std::string interface;
    Address neighbor;
    std::vector<Address> gateways;
    std::string link;  ///< its ID in the topology

    bool operator==(const AdjacencyKey&) const = default;
};

/// A policy of the file or of routing, or the bypass of an adjacency.
struct DesiredPolicy {
    PolicyConfig config;
    std::string bypass_of;  ///< the adjacency that it goes around; empty: it has prefixes
    bool computed = false;  ///< by routing
    bool observed = false;  ///< its packets are counted instead of moved

    bool operator==(const DesiredPolicy&) const = default;
};

struct Desired {
    NodeSettings node;
    ClockKind clock = ClockKind::automatic;
    std::string device;                     ///< name of the policy device; empty: none
    std::map<std::string, bool> entrances;  ///< interfaces with our program at ingress; true: at XDP if possible
    std::set<std::string> exits;  ///< interfaces with our program at egress: those of adjacencies with a bypass
    bool xdp_on_virtual = false;
    bool egress = true;
    Ipsec ipsec = Ipsec::heed;
    Netfilter netfilter = Netfilter::warn;
    std::vector<SessionConfig> sessions;  ///< names are unique
    std::set<std::string> protecting;     ///< those of them that protect something
    std::vector<AdjacencyKey> adjacencies;
    SharedValue<std::vector<DesiredPolicy>> policies;  ///< bypasses too
    SharedValue<std::set<Prefix>> unprotected;         ///< destinations of the graph without policy
    std::vector<SidConfig> sids;
    std::optional<RoutingConfig> routing;
    std::vector<HookConfig> hooks;
    std::optional<BfdConfig> bfd;
    std::optional<ReflectorConfig> stamp;
    std::optional<ReflectorConfig> sbfd;

    bool operator==(const Desired&) const = default;
};

/// The sum of configuration and routing. The file wins over routing: prefixes, bypasses and SIDs that it has are left out of
/// the computed set, and so is what refers to an adjacency that it no longer has.
Desired desired_of(const Config& config, const PolicySet& computed = {});

/// `base` with the sessions that other programs ask for (client_sessions.hpp); their names differ from all in `base`. They
/// probe from the node's source address, and protect nothing.
Desired with_clients(Desired base, const std::vector<SessionConfig>& clients);

/// The name of an adjacency's bypass; no policy's name has a space.
inline std::string bypass_name(const std::string& adjacency) {
    return adjacency + " bypass";
}
/// Whether a policy leaves routes alone that are more specific than its prefixes: as long as it leaves its packets to the
/// kernel while all is well, it is a backup for a route, not a route.
bool yields_to_routes(const DesiredPolicy& policy);
/// Whether a policy sends more than one copy of its packets.
bool is_hitless(const Desired& wanted);
/// Whether something is done at tc only: copies of hitless policies, and counts of what is only observed.
bool needs_tc(const Desired& wanted);
/// The name under which a policy is known: the file and routing may use the same, and a bypass has its adjacency's.
std::string key_of(const DesiredPolicy& policy);

/// Adds to `computed` the adjacency SIDs of the set before that it lacks. An adjacency keeps its SID while its link is missing
/// from the network: neighbors may learn of its return, and use the SID, before this node does.
void keep_adjacency_sids(PolicySet& computed, const PolicySet& before);

}  // namespace sidestep
