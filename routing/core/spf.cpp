// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Dijkstra with a binary heap and lazy deletion.
#include "routing/core/spf.hpp"

#include <algorithm>
#include <iterator>
#include <queue>
#include <utility>

namespace sidestep::routing {
namespace {

/// Whether a path to the root may lead from `before` through `node`.
bool leads_to(const Graph& graph, NodeId root, NodeId node, NodeId before) {
    return node == root || (graph.passes(node, root) && !graph.keeps(before, root));
}

template <bool Forward>
Spf run(const Graph& graph, NodeId root, const Cut& cut) {
    Spf spf{.root = root, .distance = std::vector<Distance>(graph.node_count(), kUnreachable), .order = {}};
    spf.order.reserve(graph.node_count());
    using Entry = std::pair<Distance, NodeId>;
    std::vector<Entry> storage;
    storage.reserve(graph.node_count());
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue(std::greater<>{}, std::move(storage));
    std::vector<bool> settled(graph.node_count());
    spf.distance[root] = 0;
    queue.emplace(0, root);
    while (!queue.empty()) {
        const auto [distance, node] = queue.top();
        queue.pop();
        if (settled[node]) continue;
        settled[node] = true;
        spf.order.push_back(node);
        for (const auto& hop : graph.hops(node)) {
            const bool leads =
                Forward ? leads_from(graph, root, node, hop.neighbor) : leads_to(graph, root, node, hop.neighbor);
            if (cut.removes(hop) || !leads) continue;
            const auto candidate = distance + (Forward ? hop.metric : hop.back_metric);
            if (candidate >= spf.distance[hop.neighbor]) continue;
            spf.distance[hop.neighbor] = candidate;
            queue.emplace(candidate, hop.neighbor);
        }
    }
    return spf;
}

}  // namespace

Spf spf_from(const Graph& graph, NodeId root, const Cut& cut) {
    return run<true>(graph, root, cut);
}

Spf spf_to(const Graph& graph, NodeId root, const Cut& cut) {
    return run<false>(graph, root, cut);
}

std::vector<std::vector<ArcId>> first_hops(const Graph& graph, const Spf& spf, const Cut& cut) {
    std::vector<std::vector<ArcId>> result(graph.node_count());
    std::vector<ArcId> merged;
    for (const auto node : spf.order) {
        for (const auto& hop : graph.hops(node)) {
            if (cut.removes(hop) || !on_shortest_path(graph, spf, node, hop)) continue;
            auto& target = result[hop.neighbor];
            const std::vector<ArcId> own{hop.arc};
            const auto& source = node == spf.root ? own : result[node];
            merged.clear();
            std::set_union(target.begin(), target.end(), source.begin(), source.end(), std::back_inserter(merged));
            target = merged;
        }
    }
    return result;
}

}  // namespace sidestep::routing
