// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two augmentations, then the two paths that their sum consists of.
#include "routing/core/disjoint_search.hpp"

#include <algorithm>
#include <functional>

namespace sidestep::routing {
namespace {

constexpr Distance kShared = Distance{1} << 40U;  ///< more than 2^16 arcs of the largest metric

}  // namespace

PairSearch::PairSearch(const Graph& graph, NodeId source, bool nodes)
    : graph_(&graph),
      spf_(spf_from(graph, source)),
      for_node_(nodes ? kShared : 0),
      parent_(graph.node_count(), kNoArc),
      into_(graph.node_count(), kNoArc),
      out_of_(graph.node_count(), kNoArc),
      distance_(2 * graph.node_count()),
      step_(2 * graph.node_count()) {
    for (const auto node : spf_.order) {
        for (const auto& hop : graph.hops(node)) {
            if (parent_[hop.neighbor] == kNoArc && on_shortest_path(graph, spf_, node, hop)) {
                parent_[hop.neighbor] = hop.arc;
            }
        }
    }
    reduce();
}

void PairSearch::reduce() {
    const auto add = [&](NodeId node, bool dear) {
        const bool leads_on = node == spf_.root || graph_->transit(node);
        if (!leads_on || spf_.distance[node] == kUnreachable) return;
        for (const auto& hop : graph_->hops(node)) {
            if (hop.neighbor == spf_.root) continue;
            const auto cost = spf_.distance[node] + hop.metric - spf_.distance[hop.neighbor];
            if ((cost != 0) == dear) arcs_.push_back({.to = hop.neighbor, .arc = hop.arc, .cost = cost});
        }
    };
    for (NodeId node = 0; node < graph_->node_count(); ++node) {
        first_arc_.push_back(static_cast<std::uint32_t>(arcs_.size()));
        add(node, false);
        first_dear_.push_back(static_cast<std::uint32_t>(arcs_.size()));
        add(node, true);
    }
    first_arc_.push_back(static_cast<std::uint32_t>(arcs_.size()));
}

std::array<std::vector<ArcId>, 2> PairSearch::to(NodeId destination) {
    trace(destination);
    search(destination);
    auto paths = untangle(destination);
    for (const auto arc : first_) {
        into_[graph_->to(arc)] = kNoArc;
        out_of_[graph_->from(arc)] = kNoArc;
    }
    return paths;
}

/// Sets the first path.
void PairSearch::trace(NodeId destination) {
    first_.clear();
    for (auto node = destination; node != spf_.root; node = graph_->from(first_.back())) {
        first_.push_back(parent_[node]);
        out_of_[graph_->from(parent_[node])] = parent_[node];
        if (node != destination) into_[node] = parent_[node];
    }
}

void PairSearch::offer(State state, Distance distance, Step step) {
    if (distance >= distance_[state]) return;
    distance_[state] = distance;
    step_[state] = step;
    if (distance == at_) {
        level_.push_back(state);
    } else {
        heap_.emplace_back(distance, state);
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>{});
    }
}

/// To the states that cost nothing more. The other direction of the first path's link comes as `cancels`.
void PairSearch::go_level(State state) {
    const auto node = node_of(state);
    const auto into = into_[node];
    const auto exit = exit_of(node);
    if (state != exit) {
        const auto before = graph_->from(into);
        if (before != spf_.root) offer(exit_of(before), at_, {.from = state, .arc = into, .cancels = true});
        if (for_node_ == 0) offer(exit, at_, {.from = state});
        return;
    }
    if (exit != node) offer(node, at_, {.from = state});
    for (auto i = first_arc_[node]; i < first_dear_[node]; ++i) {
        const auto& next = arcs_[i];
        if (next.arc == out_of_[node] || (into != kNoArc && next.arc == reverse(into))) continue;
        offer(next.to, at_, {.from = state, .arc = next.arc});
    }
}

/// To all others: over arcs, by sharing a link of the first path, by sharing its node.
void PairSearch::go_up(State state) {
    const auto node = node_of(state);
    const auto into = into_[node];
    const auto exit = exit_of(node);
    if (state != exit) {
        offer(exit, at_ + for_node_, {.from = state});
        return;
    }
    for (auto i = first_dear_[node]; i < first_arc_[node + 1]; ++i) {
        const auto& next = arcs_[i];
        if (into != kNoArc && next.arc == reverse(into)) continue;
        offer(next.to, at_ + next.cost, {.from = state, .arc = next.arc});
    }
    const auto used = out_of_[node];
    if (used != kNoArc) offer(graph_->to(used), at_ + kShared, {.from = state, .arc = used});
}

void PairSearch::search(NodeId destination) {
    std::fill(distance_.begin(), distance_.end(), kUnreachable);
    heap_.clear();
    level_.assign({spf_.root});
    at_ = 0;
    distance_[spf_.root] = 0;
    while (!level_.empty()) {
        closed_.clear();
        while (!level_.empty()) {
            const auto state = level_.back();
            level_.pop_back();
            if (distance_[state] != at_) continue;  // it was reached at less cost meanwhile
            if (state == destination) return;
            closed_.push_back(state);
            go_level(state);
        }
        for (const auto state : closed_) go_up(state);
        if (heap_.empty()) return;
        at_ = heap_.front().first;
        while (!heap_.empty() && heap_.front().first == at_) {
            level_.push_back(heap_.front().second);
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>{});
            heap_.pop_back();
        }
    }
}

/// The sum of both augmentations as two paths. Without cycles, for those would cost something.
std::array<std::vector<ArcId>, 2> PairSearch::untangle(NodeId destination) const {
    auto flow = first_;
    for (State state = destination; state != spf_.root; state = step_[state].from) {
        const auto& step = step_[state];
        if (step.arc == kNoArc) continue;
        if (step.cancels) {
            flow.erase(std::find(flow.begin(), flow.end(), step.arc));
        } else {
            flow.push_back(step.arc);
        }
    }
    std::array<std::vector<ArcId>, 2> paths;
    for (auto& path : paths) {
        for (auto node = spf_.root; node != destination; node = graph_->to(path.back())) {
            const auto next = std::ranges::find(flow, node, [&](ArcId arc) { return graph_->from(arc); });
            path.push_back(*next);
            flow.erase(next);
        }
    }
    return paths;
}

}  // namespace sidestep::routing
