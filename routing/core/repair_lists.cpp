// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Walks labels down the post-convergence DAG.
#include "routing/core/repair_lists.hpp"

#include <algorithm>
#include <utility>

namespace sidestep::routing {

RepairLists::RepairLists(const Graph& graph, NodeId plr, const Failure& failure, OldTrees& trees)
    : graph_(&graph),
      cut_(cut_of(graph, failure)),
      spf_(spf_from(graph, plr, cut_)),
      exposure_(graph, failure, trees),
      first_(graph.node_count(), kNone) {
    label_all();
}

RepairLists::RepairLists(const Graph& graph, NodeId plr, Exposure exposure)
    : graph_(&graph), spf_(spf_from(graph, plr)), exposure_(std::move(exposure)), first_(graph.node_count(), kNone) {
    label_all();
}

void RepairLists::label_all() {
    labels_.reserve(graph_->node_count());
    for (const auto node : spf_.order) {
        for (const auto& hop : graph_->hops(node)) {
            if (!cut_.removes(hop) && on_shortest_path(*graph_, spf_, node, hop)) expand(node, hop);
        }
    }
}

void RepairLists::expand(NodeId node, const Hop& hop) {
    Label label{.node = hop.neighbor,
                .anchor = hop.neighbor,
                .count = 0,
                .step = Step::extend,
                .arc = hop.arc,
                .previous = kNone,
                .next = kNone};
    if (node == spf_.root) {
        offer(label);
        return;
    }
    bool extended = false;
    for (auto index = first_[node]; index != kNone; index = labels_[index].next) {
        const auto anchor = labels_[index].anchor;
        if (!clean(anchor, hop.neighbor)) continue;
        label.anchor = anchor;
        label.count = labels_[index].count;
        label.previous = index;
        offer(label);
        extended = true;
    }
    if (extended) return;
    const auto& last = labels_[first_[node]];
    label.previous = first_[node];
    label.count = last.count + 1;
    if (last.anchor == node) {
        label.step = Step::adjacency;
    } else if (clean(node, hop.neighbor)) {
        label.step = Step::node;
        label.anchor = node;
    } else {
        label.step = Step::node_and_adjacency;
        ++label.count;
    }
    offer(label);
}

void RepairLists::offer(Label label) {
    auto& first = first_[label.node];
    if (first != kNone) {
        const auto& kept = labels_[first];
        if (kept.count < label.count) return;
        const bool replaces = label.count < kept.count || (label.anchor == label.node && kept.anchor != label.node);
        if (replaces) {
            first = kNone;
        } else if (kept.anchor == label.node) {
            return;
        }
    }
    for (auto index = first; index != kNone; index = labels_[index].next) {
        if (labels_[index].anchor == label.anchor) return;
    }
    label.next = first;
    first = static_cast<std::uint32_t>(labels_.size());
    labels_.push_back(label);
}

void RepairLists::fill(Repair& repair) const {
    repair.found = true;
    repair.cost = spf_.distance[repair.destination];
    std::vector<std::size_t> places;  // of each segment: the arcs between it and the destination, its own included
    for (auto index = first_[repair.destination]; index != kNone; index = labels_[index].previous) {
        const auto& label = labels_[index];
        repair.path.push_back(label.arc);
        if (label.step == Step::adjacency || label.step == Step::node_and_adjacency) {
            repair.segments.push_back({.kind = Segment::Kind::adjacency, .id = label.arc});
            places.push_back(repair.path.size());
        }
        if (label.step == Step::node || label.step == Step::node_and_adjacency) {
            repair.segments.push_back({.kind = Segment::Kind::node, .id = graph_->from(label.arc)});
            places.push_back(repair.path.size());
        }
    }
    std::reverse(repair.segments.begin(), repair.segments.end());
    std::reverse(repair.path.begin(), repair.path.end());
    std::reverse(places.begin(), places.end());
    repair.via = repair.path.front();
    prefer_adjacencies(repair, places);
    end_before_host(repair);
}

void RepairLists::end_before_host(Repair& repair) const {
    if (repair.segments.empty() || repair.path.size() < 3) return;
    auto& last = repair.segments.back();
    const auto owner = graph_->from(repair.path.back());
    if (last.kind != Segment::Kind::node || last.id != owner || graph_->node(owner).locator) return;
    const auto router = graph_->from(repair.path[repair.path.size() - 2]);
    if (clean(router, repair.destination)) last.id = router;
}

void RepairLists::prefer_adjacencies(Repair& repair, const std::vector<std::size_t>& places) const {
    const auto arc_at = [&](std::size_t place) { return repair.path[repair.path.size() - place]; };
    auto& segments = repair.segments;
    for (std::size_t i = 1; i < segments.size(); ++i) {
        if (segments[i].kind != Segment::Kind::node || segments[i - 1].kind != Segment::Kind::node) continue;
        const auto arc = arc_at(places[i - 1]);
        const auto q = graph_->to(arc);
        const bool last = i + 1 == segments.size();
        const auto target = last ? repair.destination : graph_->from(arc_at(places[i + 1]));
        // An adjacency segment begins where its arc does: the packet has to be there already.
        if (!last && segments[i + 1].kind == Segment::Kind::adjacency && q != target) continue;
        if (clean(q, target)) segments[i] = {.kind = Segment::Kind::adjacency, .id = arc};
    }
}

}  // namespace sidestep::routing
