// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Translates results of routing (nodes, links, SIDs) into the detector's terms (adjacencies, candidates, prefixes),
// since neither knows the other. Pure: a graph and a configuration in, a PolicySet out.
#pragma once

#include "detector/core/config.hpp"
#include "detector/core/policy_set.hpp"
#include "routing/core/isis_graph.hpp"
#include "routing/core/policy.hpp"

namespace sidestep {

/// `config.protect` as routing has it.
routing::Protect protection_of(const RoutingConfig& config);

/// How segments become SIDs. The depth includes the decapsulating SID.
routing::SidOptions sid_options_of(const RoutingConfig& config);

/// Which prefixes of IS-IS are locators: those of 48 bits in the prefix of `sr-domain` that contains the node's source
/// address, or else in that address's block of 32 bits (the format F3216 of RFC 9800).
routing::LocatorPlan locator_plan_of(const Config& config);

/// The policies computed for `plr`, in the form of the configuration. `config.routing` must be set.
///
/// A link of the graph belongs to the adjacency with its interface, if the graph knows interfaces (IS-IS tells its own
/// ones), or else to the one whose `link` (by default its name) is the link's id. Link-state databases have no ids; there `link` may also be NEIGHBOR, SELF-NEIGHBOR or NEIGHBOR-SELF, with ".n" appended for the
/// n-th parallel link. Links without such a name go to adjacencies of that neighbor in order.
///
/// Prefixes, bypasses and SIDs of the file win: they are left out here.
PolicySet to_policy_set(const routing::Graph& graph, routing::NodeId plr, const routing::Policies& computed,
                        const Config& config);

/// Computes the policies of this node from the graph and translates them.
PolicySet compute_set(const routing::Graph& graph, routing::NodeId plr, const Config& config);

}  // namespace sidestep
