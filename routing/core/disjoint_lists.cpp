// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Counts shortest paths, and covers a path with the longest stretches that have one only.
#include "routing/core/disjoint_lists.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

/// The other link of its node over which the End.X of `arc` may lead, because both have the same number.
std::optional<LinkId> mistaken_for(const Graph& graph, ArcId arc) {
    const auto& own = graph.link(link_of(arc)).functions[arc & 1U];
    for (const auto& hop : graph.hops(graph.from(arc))) {
        if (own && hop.arc != arc && graph.link(link_of(hop.arc)).functions[hop.arc & 1U] == own) {
            return link_of(hop.arc);
        }
    }
    return std::nullopt;
}

}  // namespace

const UniquePaths::Tree& UniquePaths::from(NodeId root) {
    const auto found = trees_.find(root);
    if (found != trees_.end()) return found->second;
    Tree tree{.spf = spf_from(*graph_, root), .paths = std::vector<std::uint8_t>(graph_->node_count())};
    tree.paths[root] = 1;
    for (const auto node : tree.spf.order) {
        for (const auto& hop : graph_->hops(node)) {
            if (!on_shortest_path(*graph_, tree.spf, node, hop)) continue;
            auto& paths = tree.paths[hop.neighbor];
            paths = static_cast<std::uint8_t>(std::min(2, paths + tree.paths[node]));
        }
    }
    return trees_.emplace(root, std::move(tree)).first->second;
}

bool UniquePaths::only(NodeId from, NodeId to, Distance length) {
    const auto& tree = this->from(from);
    return tree.spf.distance[to] == length && tree.paths[to] == 1;
}

// A stretch within an only shortest path is one as well. So the farthest reach from each anchor gives the fewest
// segments; and End.X at its end brings the packet one link further than End does.
Result<std::vector<Segment>> pinning_segments(const Graph& graph, const std::vector<ArcId>& path, UniquePaths& unique) {
    std::vector<Segment> segments;
    for (std::size_t anchor = 1; anchor < path.size();) {
        const auto start = graph.from(path[anchor]);
        Distance length = 0;
        auto reach = anchor;  // the arcs before this one are covered
        while (reach < path.size() && unique.only(start, graph.to(path[reach]), length + graph.metric(path[reach]))) {
            length += graph.metric(path[reach++]);
        }
        if (reach == path.size()) break;
        const auto arc = path[reach];
        if (reach > anchor) segments.push_back({.kind = Segment::Kind::node, .id = graph.from(arc)});
        const auto other = mistaken_for(graph, arc);
        if (other && reach == anchor) {
            return fail(fmt::format("the End.X of link {} may lead over {}, too", graph.link(link_of(arc)).id,
                                    graph.link(*other).id));
        }
        anchor = reach;
        if (other) continue;
        segments.push_back({.kind = Segment::Kind::adjacency, .id = arc});
        ++anchor;
    }
    return segments;
}

}  // namespace sidestep::routing
