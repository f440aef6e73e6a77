// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Shortest paths with all equal-cost choices: distances and settle order. Everything else (first hops, the shortest
// path DAG, P and Q) follows from distances. This is not boost::dijkstra_shortest_paths, because overload, failures and
// the reverse direction are one condition each here, and because it is the inner loop of everything.
#pragma once

#include <vector>

#include "routing/core/graph.hpp"

namespace sidestep::routing {

/// The nodes and links removed from the graph for a post-convergence view.
struct Cut {
    std::vector<bool> nodes;  ///< by NodeId; empty means none
    std::vector<bool> links;  ///< by LinkId; empty means none

    [[nodiscard]] bool removes(const Hop& hop) const {
        return (!links.empty() && links[link_of(hop.arc)]) || (!nodes.empty() && nodes[hop.neighbor]);
    }
};

/// Distances from (or to) one root; nodes in the order in which their distance became final.
struct Spf {
    NodeId root = 0;
    std::vector<Distance> distance;  ///< by NodeId; kUnreachable where there is no path
    std::vector<NodeId> order;       ///< reachable nodes only, root first
};

/// Distances from `root` to every node.
Spf spf_from(const Graph& graph, NodeId root, const Cut& cut = {});
/// Distances from every node to `root`.
Spf spf_to(const Graph& graph, NodeId root, const Cut& cut = {});

/// Whether a path from the root may lead through `node` to `next`.
inline bool leads_from(const Graph& graph, NodeId root, NodeId node, NodeId next) {
    return node == root || (graph.passes(node, next) && !graph.keeps(root, next));
}

/// Whether `hop` out of `node` lies on a shortest path from `spf.root` (of spf_from, with the same cut).
inline bool on_shortest_path(const Graph& graph, const Spf& spf, NodeId node, const Hop& hop) {
    return leads_from(graph, spf.root, node, hop.neighbor) && spf.distance[node] != kUnreachable &&
           spf.distance[node] + hop.metric == spf.distance[hop.neighbor];
}

/// By NodeId: the arcs out of `spf.root` that begin a shortest path to that node, ascending. Of spf_from only.
std::vector<std::vector<ArcId>> first_hops(const Graph& graph, const Spf& spf, const Cut& cut = {});

}  // namespace sidestep::routing
