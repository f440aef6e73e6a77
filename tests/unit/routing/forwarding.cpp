// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The packet walk. Sets of nodes move in step, so that equal-cost choices do not multiply.
#include "tests/unit/routing/forwarding.hpp"

#include <set>

#include <fmt/format.h>

#include "routing/core/failure.hpp"

namespace sidestep::routing {

const Spf& Forwarding::to(NodeId target) {
    const auto found = to_.find(target);
    return found != to_.end() ? found->second : to_.emplace(target, spf_to(*graph_, target)).first->second;
}

std::string Forwarding::check(NodeId plr, const Repair& repair) {
    const auto& graph = *graph_;
    const auto cut = cut_of(graph, repair.failed);
    std::string problem;
    Distance cost = 0;
    NodeId at = plr;
    std::set<NodeId> visited{plr};

    const auto cross = [&](NodeId node, const Hop& hop) {
        if (cut.removes(hop)) problem = fmt::format("meets the failure at {}", graph.node(node).name);
    };
    const auto over = [&](ArcId arc) {
        if (graph.from(arc) != at) problem = fmt::format("arc {} does not begin at {}", arc, graph.node(at).name);
        cross(at, {.neighbor = graph.to(arc), .arc = arc, .metric = 0, .back_metric = 0});
        cost += graph.metric(arc);
        at = graph.to(arc);
        if (!visited.insert(at).second) problem = fmt::format("comes back to {}", graph.node(at).name);
    };
    const auto towards = [&](NodeId target) {
        const auto& distances = to(target).distance;
        if (distances[at] == kUnreachable) {
            problem = "has no route to " + graph.node(target).name;
            return;
        }
        std::set<NodeId> frontier{at};
        std::set<NodeId> seen{at};
        while (!frontier.empty()) {
            const auto node = *frontier.begin();
            frontier.erase(frontier.begin());
            if (node == target) continue;
            for (const auto& hop : graph.hops(node)) {
                const bool usable =
                    hop.neighbor == target || (graph.passes(hop.neighbor, target) && !graph.keeps(node, target));
                if (!usable || distances[hop.neighbor] == kUnreachable ||
                    hop.metric + distances[hop.neighbor] != distances[node]) {
                    continue;
                }
                cross(node, hop);
                if (visited.contains(hop.neighbor)) problem = "comes back to " + graph.node(hop.neighbor).name;
                if (seen.insert(hop.neighbor).second) frontier.insert(hop.neighbor);
            }
        }
        visited.merge(seen);
        cost += distances[at];
        at = target;
    };

    over(repair.via);
    for (const auto& segment : repair.segments) {
        if (!problem.empty()) return problem;
        if (segment.kind == Segment::Kind::adjacency) {
            over(segment.id);
        } else {
            towards(segment.id);
        }
    }
    if (problem.empty() && at != repair.destination) towards(repair.destination);
    if (problem.empty() && cost != repair.cost) problem = fmt::format("travels {} instead of {}", cost, repair.cost);
    return problem;
}

}  // namespace sidestep::routing
