// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A depth-first walk over the next hops of all routers: a node met again before it is done lies on a loop.
#include "tests/unit/routing/mixture.hpp"

#include <algorithm>

namespace sidestep::routing {

Graph changed(const Graph& graph, const std::set<LinkId>& without, const std::set<LinkId>& raised) {
    Graph result;
    for (const auto& node : graph.nodes()) result.add_node(node);
    for (LinkId id = 0; id < graph.link_count(); ++id) {
        if (without.contains(id)) continue;
        auto link = graph.link(id);
        if (raised.contains(id)) {
            for (auto& metric : link.metrics) metric += 10;
        }
        result.add_link(std::move(link));
    }
    result.freeze();
    return result;
}

Mixture::Mixture(std::vector<const Graph*> graphs)
    : knows(graphs.front()->node_count(), 0), graphs_(std::move(graphs)) {}

const Spf& Mixture::distances(std::size_t graph, NodeId to) {
    const auto key = std::pair(graph, to);
    const auto found = distances_.find(key);
    return found != distances_.end() ? found->second
                                     : distances_.emplace(key, spf_to(*graphs_[graph], to)).first->second;
}

bool Mixture::dead(const Graph& graph, ArcId arc) const {
    return !graphs_.back()->find_link(graph.link(link_of(arc)).id);
}

Mixture::Fate Mixture::plain(NodeId from, NodeId to, NodeId back) {
    if (from == to) return Fate::delivered;
    if (from == back) return Fate::loops;
    std::map<NodeId, Mark> marks;
    return visit(from, to, back, marks);
}

Mixture::Fate Mixture::visit(NodeId node, NodeId to, NodeId back, std::map<NodeId, Mark>& marks) {
    marks[node] = Mark::open;
    const auto& graph = *graphs_[knows[node]];
    const auto& distance = distances(knows[node], to).distance;
    if (distance[node] == kUnreachable) return Fate::lost;
    auto worst = Fate::delivered;
    for (const auto& hop : graph.hops(node)) {
        const auto next = hop.neighbor;
        if ((next != to && (!graph.passes(next, to) || graph.keeps(node, to))) || distance[next] == kUnreachable)
            continue;
        if (hop.metric + distance[next] != distance[node]) continue;
        if (dead(graph, hop.arc)) {
            worst = Fate::lost;
        } else if (next != to) {
            const auto mark = marks.find(next);
            if (next == back || (mark != marks.end() && mark->second == Mark::open)) return Fate::loops;
            const auto fate = mark == marks.end() ? visit(next, to, back, marks) : Fate::delivered;
            if (fate == Fate::loops) return fate;
            if (fate == Fate::lost) worst = fate;
        }
    }
    marks[node] = Mark::done;
    return worst;
}

Mixture::Fate Mixture::along(const Graph& graph, NodeId plr, const Repair& repair) {
    if (dead(graph, repair.via)) return Fate::lost;
    NodeId at = graph.to(repair.via);
    for (const auto& segment : repair.segments) {
        if (segment.kind == Segment::Kind::adjacency) {
            if (graph.from(segment.id) != at || dead(graph, segment.id)) return Fate::lost;
            at = graph.to(segment.id);
        } else {
            if (const auto fate = plain(at, segment.id, plr); fate != Fate::delivered) return fate;
            at = segment.id;
        }
    }
    return plain(at, repair.destination, plr);
}

}  // namespace sidestep::routing
