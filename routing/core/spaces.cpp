// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the sets from their definitions, with Exposure::clean.
#include "routing/core/spaces.hpp"

#include "routing/core/spf.hpp"

namespace sidestep::routing {

Spaces spaces_of(const Graph& graph, NodeId plr, NodeId destination, const Failure& failure) {
    OldTrees trees(graph);
    const Exposure exposure(graph, failure, trees);
    const auto cut = cut_of(graph, failure);
    const auto reaches_clean = [&](NodeId from, NodeId node) {
        const auto length = trees.from(from).distance[node];
        return length != kUnreachable && exposure.clean(from, node, length);
    };
    Spaces spaces;
    for (NodeId node = 0; node < graph.node_count(); ++node) {
        if (node == plr || graph.node(node).kind == NodeKind::anycast) continue;
        if (reaches_clean(plr, node)) spaces.p.push_back(node);
        for (const auto& hop : graph.hops(plr)) {
            if (cut.removes(hop) || !(graph.transit(hop.neighbor) || hop.neighbor == node)) continue;
            if (!reaches_clean(hop.neighbor, node)) continue;
            spaces.extended_p.push_back(node);
            break;
        }
        const auto to_destination = trees.to(destination).distance[node];
        if (to_destination != kUnreachable && exposure.clean(node, destination, to_destination)) {
            spaces.q.push_back(node);
        }
    }
    return spaces;
}

}  // namespace sidestep::routing
