// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Between routing and the detector, which do not know each other: what was computed over nodes, links and SIDs is said
// again in adjacencies, candidates and prefixes. Pure: a graph and a configuration in, a PolicySet out.
#pragma once

#include "detector/core/config.hpp"
#include "detector/core/policy_set.hpp"
#include "routing/core/isis_graph.hpp"
#include "routing/core/policy.hpp"

namespace sidestep {

/// What is asked of routing: `config.protect`, by name.
routing::Protect protection_of(const RoutingConfig& config);

/// How lists become SIDs. The depth counts the decapsulating SID.
routing::SidOptions sid_options_of(const RoutingConfig& config);

/// Which prefixes of IS-IS are locators: those of 48 bits within the prefix of `sr-domain` that the node's own source
/// address lies in, else within that address's block of 32 bits (the format F3216 of RFC 9800).
routing::LocatorPlan locator_plan_of(const Config& config);

/// Policies that were computed for `plr` as the configuration would say them. `config.routing` must be there.
///
/// A link of the graph belongs to the adjacency whose `link` (its name, if it has none) is the link's id; or else,
/// since link-state databases have no ids, spells it as NEIGHBOR, SELF-NEIGHBOR or NEIGHBOR-SELF, of parallel links
/// the n-th one with ".n" behind. Links that nobody entries that way go to adjacencies of that neighbor in order.
///
/// What the file says wins: its prefixes, bypasses and SIDs are left out here.
PolicySet to_policy_set(const routing::Graph& graph, routing::NodeId plr, const routing::Policies& computed,
                        const Config& config);

/// All that follows from the graph for this node: computed, then converted.
PolicySet compute_set(const routing::Graph& graph, routing::NodeId plr, const Config& config);

}  // namespace sidestep
