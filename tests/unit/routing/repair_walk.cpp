// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The walk, router by router.
#include "tests/unit/routing/repair_walk.hpp"

#include <algorithm>

#include "bpf/abi/sidestep.h"
#include "routing/core/repair_lists.hpp"

/* One policy as bpf/lib/pick.h sees it: candidate, list and session i are way i. */
struct ss_view {
    ss_policy policy;
    ss_session_state states[SS_MAX_CANDIDATES];
    ss_candidate candidates[SS_MAX_CANDIDATES];
    ss_list lists[SS_MAX_CANDIDATES];
};
namespace {
const ss_session_state* ss_view_state(const ss_view* view, __u32 index) {
    return &view->states[index];
}
const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return &view->candidates[index];
}
const ss_list* ss_view_list(const ss_view* view, __u32 index) {
    return &view->lists[index];
}
}  // namespace
#include "bpf/lib/pick.h"

namespace sidestep::routing {
namespace {

constexpr unsigned kHopLimit = 64;

ArcId reverse_of(ArcId arc) {
    return arc ^ 1U;
}

}  // namespace

RepairWalk::RepairWalk(const Graph& graph, Protect protect) : graph_(&graph), protect_(protect), trees_(graph) {
    fail({});
}

/// As compute_policies() and the feed make them: primary paths, then repairs.
const RepairWalk::WaysTo& RepairWalk::policies_of(NodeId router) {
    const auto [known, fresh] = policies_.try_emplace(router);
    if (!fresh) return known->second;
    for (const auto& repair : compute_repairs(*graph_, router, protect_)) {
        auto& ways = known->second[repair.destination];
        if (ways.empty()) {
            for (const auto arc : repair.primary) ways.push_back({.out = arc, .segments = {}});
        }
        if (repair.found) ways.push_back({.out = repair.via, .segments = repair.segments});
    }
    return known->second;
}

/// A tunnel to the far end of a link.
const std::optional<RepairWalk::Way>& RepairWalk::bypass_of(ArcId arc) {
    const auto [known, fresh] = bypasses_.try_emplace(arc);
    if (!fresh) return known->second;
    Repair around;
    around.destination = graph_->to(arc);
    around.failed = {.kind = Failure::Kind::link, .id = link_of(arc)};
    const RepairLists lists(*graph_, graph_->from(arc), around.failed, trees_);
    if (!lists.reaches(around.destination)) return known->second;
    lists.fill(around);
    const bool ends_there = !around.segments.empty() && around.segments.back().kind == Segment::Kind::adjacency
                                ? graph_->to(around.segments.back().id) == around.destination
                                : !around.segments.empty() && around.segments.back().id == around.destination;
    if (!ends_there) around.segments.push_back({.kind = Segment::Kind::node, .id = around.destination});
    known->second = {.out = around.via, .segments = around.segments};
    return known->second;
}

void RepairWalk::fail(const std::vector<Failure>& failures) {
    dead_.assign(graph_->node_count(), false);
    cut_.assign(graph_->link_count(), false);
    for (const auto& failure : failures) {
        if (failure.kind == Failure::Kind::node) {
            dead_[failure.id] = true;
        } else {
            cut_[failure.id] = true;
        }
    }
}

bool RepairWalk::is_broken(ArcId arc) const {
    return cut_[link_of(arc)] || dead_[graph_->to(arc)];
}

std::uint32_t RepairWalk::rank(ArcId arc) const {
    if (believed_) return believed_(arc);
    return is_broken(arc) ? SS_DOWN : SS_UP;
}

/// What the SIDs of a router do. Where the packet is to go from here, or an arc that it has to take; nothing: it is there.
std::optional<NodeId> RepairWalk::follow_segments(Packet& packet, std::optional<ArcId>& pinned) const {
    while (!packet.tunnels.empty()) {
        auto& tunnel = packet.tunnels.back();
        if (tunnel.next == tunnel.segments.size()) {
            packet.brought = tunnel.repairs;
            packet.tunnels.pop_back();
            continue;
        }
        const auto& segment = tunnel.segments[tunnel.next];
        const bool adjacency = segment.kind == Segment::Kind::adjacency;
        const auto target = adjacency ? graph_->from(segment.id) : segment.id;
        if (packet.at != target) return target;
        ++tunnel.next;
        if (adjacency) {
            pinned = segment.id;
            return graph_->to(segment.id);
        }
    }
    if (packet.at == packet.destination) return std::nullopt;
    return packet.destination;
}

/// The router's own choice among the shortest paths.
ArcId RepairWalk::route(const Packet& packet, NodeId target) {
    const auto& distance = trees_.to(target).distance;
    std::vector<ArcId> equal;
    for (const auto& hop : graph_->hops(packet.at)) {
        if (distance[hop.neighbor] != kUnreachable && hop.metric + distance[hop.neighbor] == distance[packet.at])
            equal.push_back(hop.arc);
    }
    const auto hash = (packet.flow * 2654435761U) ^ (packet.at * 40503U) ^ (target * 9973U);
    return equal.at((hash >> 7) % equal.size());
}

/// The best candidate that is better than the way that the packet would take.
const RepairWalk::Way* RepairWalk::choose(const Packet& packet, NodeId target, std::optional<ArcId> pinned,
                                          std::uint32_t least) {
    if (pinned) {
        const auto& around = bypass_of(*pinned);
        return around && rank(around->out) > least ? &*around : nullptr;
    }
    const auto& policies = policies_of(packet.at);
    const auto ways = policies.find(target);
    if (ways == policies.end()) return nullptr;
    ss_view view{};
    for (const auto& way : ways->second) {
        if (view.policy.count == SS_MAX_CANDIDATES) break;
        const auto i = view.policy.count++;
        view.states[i].rank = rank(way.out);
        view.policy.candidate[i] = i;
        view.candidates[i] = {.lists = 1, .weight = 1, .list = {{.list = i, .weight = 1}}};
        view.lists[i].sessions = 1;
        view.lists[i].session[0] = static_cast<__u16>(i);
    }
    const auto best = ss_pick(&view, &view.policy, 0);
    return best.rank > least ? &ways->second[best.position] : nullptr;
}

/// Sends a packet by a way, or says why not.
std::optional<End> RepairWalk::repair(Packet& packet, const Way& way, Walk& walk) const {
    const unsigned carried = std::max(packet.brought, packet.tunnels.empty() ? 0 : packet.tunnels.back().repairs);
    const bool own =
        std::ranges::any_of(packet.tunnels, [&](const Tunnel& tunnel) { return tunnel.source == packet.at; });
    if (carried >= SS_MAX_REPAIRS || own) return End::loop;
    if (way.segments.empty()) {
        if (packet.came_by == reverse_of(way.out)) return End::u_turn;
    } else {
        packet.tunnels.push_back({.source = packet.at, .repairs = carried + 1, .segments = way.segments});
    }
    ++walk.repairs;
    return std::nullopt;
}

Walk RepairWalk::walk(NodeId from, NodeId to, std::uint32_t flow) {
    Walk result;
    Packet packet{.at = from, .destination = to, .flow = flow};
    std::map<ArcId, unsigned> visits;
    for (unsigned hop = 0; hop < kHopLimit; ++hop) {
        packet.brought = 0;
        std::optional<ArcId> out;
        const auto target = follow_segments(packet, out);
        const auto ended = [&](End end) {
            result.end = end;
            return result;
        };
        if (!target) return ended(End::delivered);
        const auto pinned = out;
        if (!out) out = route(packet, *target);
        if (const auto own = rank(*out); own != SS_UP) {
            const auto* way = choose(packet, *target, pinned, own);
            if (way == nullptr && own == SS_DOWN) return ended(End::unprotected);
            if (way != nullptr) {
                if (const auto refused = repair(packet, *way, result)) return ended(*refused);
                out = way->out;
            }
        }
        if (is_broken(*out)) return ended(End::lost);
        result.most_visits = std::max(result.most_visits, ++visits[*out]);
        packet.came_by = *out;
        packet.at = graph_->to(*out);
    }
    return result;
}

}  // namespace sidestep::routing
