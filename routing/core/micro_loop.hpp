// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Micro-loop avoidance with segments (draft-bashandy-rtgwg-segment-routing-uloop). While routers learn of a change one
// after the other, some forward by the old graph and some by the new one, and packets may loop between two of them. The
// lists here lead over the new paths of this node, and every such mixture of routers delivers them.
//
// Like repair lists they consist of clean stretches: from V to W neither graph has a shortest path that uses what
// changed. Then both have the same shortest paths from V to W, and from every node on them, so it does not matter which
// routers know. If the change only removes links (or raises metrics), it is enough that the old graph's paths avoid it;
// if it only adds links (or lowers metrics), that the new graph's do. Then the same holds for every graph between the
// two, when only part of the change has been flooded. docs/routing.md has the argument.
#pragma once

#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/graph_change.hpp"
#include "routing/core/policy.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// Whether micro_loop_lists() can handle this change: it has one direction, and the network is the same.
bool can_avoid_loops(const GraphChange& change);

/// For each destination of `plr` whose packets might meet the change: the list that takes it to the new path. `failed`
/// and `primary` of the result are unused. Nodes, links and costs are those of `fresh`.
std::vector<Repair> micro_loop_lists(const Graph& old, const Graph& fresh, NodeId plr, const GraphChange& change);

/// Puts those lists before everything else in policies of `fresh`. A list without segments would be left to the FIB,
/// which may be the old one: it becomes a tunnel to the first neighbor. A list that cannot be expressed in SIDs is
/// left out with a warning.
void avoid_loops(Policies& policies, const Graph& old, const Graph& fresh, NodeId plr, const GraphChange& change,
                 const SidOptions& options);

}  // namespace sidestep::routing
