// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Chooses the graph that decides which stretches are clean, and turns lists into candidates.
#include "routing/core/micro_loop.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "routing/core/repair_lists.hpp"

namespace sidestep::routing {
namespace {

constexpr std::size_t kMaxChanged = 32;  // links; each costs four shortest path trees

std::vector<LinkId> joined(const std::vector<LinkId>& a, const std::vector<LinkId>& b, const std::vector<LinkId>& c) {
    std::vector<LinkId> result = a;
    result.insert(result.end(), b.begin(), b.end());
    result.insert(result.end(), c.begin(), c.end());
    return result;
}

/// The id in `old` of each node of `fresh`.
std::vector<NodeId> ids_in(const Graph& old, const Graph& fresh) {
    std::vector<NodeId> result;
    result.reserve(fresh.node_count());
    for (const auto& node : fresh.nodes()) result.push_back(old.find_node(node.name).value_or(Exposure::kNoNode));
    return result;
}

std::vector<Repair> lists_of(const Graph& fresh, const RepairLists& lists, NodeId plr) {
    std::vector<Repair> result;
    for (NodeId destination = 0; destination < fresh.node_count(); ++destination) {
        if (destination == plr || fresh.owns(plr, destination) || !lists.reaches(destination) ||
            lists.needless(destination))
            continue;
        Repair repair;
        repair.destination = destination;
        lists.fill(repair);
        result.push_back(std::move(repair));
    }
    return result;
}

/// Without segments: the first hop becomes a node segment, so that the FIB does not decide.
Repair forced(const Graph& graph, Repair repair) {
    if (repair.segments.empty()) repair.segments = {{.kind = Segment::Kind::node, .id = graph.to(repair.via)}};
    return repair;
}

}  // namespace

bool can_avoid_loops(const GraphChange& change) {
    return (change.only_worse() || change.only_better()) && change.size() <= kMaxChanged;
}

std::vector<Repair> micro_loop_lists(const Graph& old, const Graph& fresh, NodeId plr, const GraphChange& change) {
    if (change.only_better()) {
        OldTrees trees(fresh);
        const auto links = joined(change.came, change.cut, change.joined_anycast);
        return lists_of(fresh, RepairLists(fresh, plr, Exposure(fresh, links, trees)), plr);
    }
    OldTrees trees(old);
    const auto links = joined(change.gone, change.raised, change.left_anycast);
    return lists_of(fresh, RepairLists(fresh, plr, Exposure(old, links, trees, ids_in(old, fresh))), plr);
}

void avoid_loops(Policies& policies, const Graph& old, const Graph& fresh, NodeId plr, const GraphChange& change,
                 const SidOptions& options) {
    for (const auto& list : micro_loop_lists(old, fresh, plr, change)) {
        const auto policy = std::ranges::find(policies.policies, list.destination, &Policy::destination);
        if (policy == policies.policies.end()) continue;
        auto sids = repair_sids(fresh, forced(fresh, list), options);
        if (!sids) {
            policies.warnings.push_back(fmt::format("packets to {} may loop while the network converges: {}",
                                                    fresh.node(list.destination).name, sids.error().message));
            continue;
        }
        policy->candidates.insert(policy->candidates.begin(),
                                  {.out = list.via, .sids = std::move(*sids), .against = std::nullopt});
    }
}

}  // namespace sidestep::routing
