// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The naive formulation, written for being obviously right.
#include "tests/unit/routing/oracle.hpp"

#include <algorithm>
#include <deque>

namespace sidestep::routing {

Oracle::Oracle(const Graph& graph) : graph_(&graph) {
    old_.reserve(graph.node_count());
    for (NodeId node = 0; node < graph.node_count(); ++node) old_.push_back(spf_from(graph, node));
}

std::vector<std::vector<bool>> Oracle::clean_sets(const Cut& cut) const {
    const auto count = graph_->node_count();
    std::vector<std::vector<bool>> clean(count, std::vector<bool>(count));
    for (NodeId v = 0; v < count; ++v) {
        if (!cut.nodes.empty() && cut.nodes[v]) continue;
        std::vector<bool> tainted(count);
        for (const auto node : old_[v].order) {
            if (!cut.nodes.empty() && cut.nodes[node]) tainted[node] = true;
            clean[v][node] = !tainted[node];
            for (const auto& hop : graph_->hops(node)) {
                if (!on_shortest_path(*graph_, old_[v], node, hop)) continue;
                if (tainted[node] || cut.removes(hop)) tainted[hop.neighbor] = true;
            }
        }
    }
    return clean;
}

std::vector<std::optional<Oracle::Answer>> Oracle::repairs(NodeId plr, const Failure& failure) const {
    const auto count = graph_->node_count();
    const auto cut = cut_of(*graph_, failure);
    const auto clean = clean_sets(cut);
    const auto fresh = spf_from(*graph_, plr, cut);
    // A node segment from v to w is clean and stays on a post-convergence path of the PLR.
    const auto node_segment = [&](NodeId v, NodeId w) {
        return clean[v][w] && fresh.distance[w] != kUnreachable &&
               fresh.distance[v] + old_[v].distance[w] == fresh.distance[w];
    };
    constexpr auto kNever = static_cast<std::size_t>(-1);
    std::vector<std::size_t> segments(count, kNever);  // until a segment (or the first hop) ends here
    std::deque<NodeId> queue;
    const auto arrive = [&](NodeId node, std::size_t with) {
        if (segments[node] <= with) return;
        segments[node] = with;
        queue.push_back(node);
    };
    for (const auto& hop : graph_->hops(plr)) {
        if (!cut.removes(hop) && on_shortest_path(*graph_, fresh, plr, hop)) arrive(hop.neighbor, 0);
    }
    std::vector<std::size_t> best = segments;
    while (!queue.empty()) {
        const auto v = queue.front();
        queue.pop_front();
        best[v] = std::min(best[v], segments[v]);
        for (NodeId w = 0; w < count; ++w) {
            if (w == v || !graph_->passes(v, w) || !node_segment(v, w)) continue;
            best[w] = std::min(best[w], segments[v]);  // plain forwarding does the rest
            arrive(w, segments[v] + 1);
        }
        for (const auto& hop : graph_->hops(v)) {
            if (!cut.removes(hop) && on_shortest_path(*graph_, fresh, v, hop)) arrive(hop.neighbor, segments[v] + 1);
        }
    }
    std::vector<std::optional<Answer>> answers(count);
    for (NodeId node = 0; node < count; ++node) {
        if (node == plr || fresh.distance[node] == kUnreachable) continue;
        answers[node] = {.cost = fresh.distance[node], .segments = best[node]};
    }
    return answers;
}

}  // namespace sidestep::routing
