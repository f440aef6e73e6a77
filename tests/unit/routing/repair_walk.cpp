// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The walk, router by router.
#include "tests/unit/routing/repair_walk.hpp"

#include <algorithm>

#include "bpf/abi/sidestep.h"
#include "routing/core/repair_lists.hpp"

namespace sidestep::routing {
namespace {

constexpr unsigned kHopLimit = 64;

ArcId reverse_of(ArcId arc) {
    return arc ^ 1U;
}

}  // namespace

RepairWalk::RepairWalk(const Graph& graph, Protect protect)
    : graph_(&graph), trees_(graph), policies_(graph.node_count()) {
    for (NodeId router = 0; router < graph.node_count(); ++router) {
        plan(router, protect);
        plan_bypasses(router);
    }
    fail({});
}

/// As compute_policies() and the feed make them: primary paths, then repairs.
void RepairWalk::plan(NodeId router, Protect protect) {
    for (const auto& repair : compute_repairs(*graph_, router, protect)) {
        auto& ways = policies_[router][repair.destination];
        if (ways.empty()) {
            for (const auto arc : repair.primary) ways.push_back({.out = arc, .segments = {}});
        }
        if (repair.found) ways.push_back({.out = repair.via, .segments = repair.segments});
    }
}

/// Tunnels to the far end of each link.
void RepairWalk::plan_bypasses(NodeId router) {
    for (const auto& hop : graph_->hops(router)) {
        Repair around;
        around.destination = hop.neighbor;
        around.failed = {.kind = Failure::Kind::link, .id = link_of(hop.arc)};
        const RepairLists lists(*graph_, router, around.failed, trees_);
        if (!lists.reaches(hop.neighbor)) continue;
        lists.fill(around);
        const bool ends_there = !around.segments.empty() && around.segments.back().kind == Segment::Kind::adjacency
                                    ? graph_->to(around.segments.back().id) == hop.neighbor
                                    : !around.segments.empty() && around.segments.back().id == hop.neighbor;
        if (!ends_there) around.segments.push_back({.kind = Segment::Kind::node, .id = hop.neighbor});
        bypasses_[hop.arc] = {.out = around.via, .segments = around.segments};
    }
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

bool RepairWalk::is_down(ArcId arc) const {
    return cut_[link_of(arc)] || dead_[graph_->to(arc)];
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

/// The first candidate that is up, if the way that the packet would take is down.
const RepairWalk::Way* RepairWalk::choose(const Packet& packet, NodeId target, std::optional<ArcId> pinned) const {
    if (pinned) {
        const auto found = bypasses_.find(*pinned);
        return found == bypasses_.end() || is_down(found->second.out) ? nullptr : &found->second;
    }
    const auto policy = policies_[packet.at].find(target);
    if (policy == policies_[packet.at].end()) return nullptr;
    const auto up = std::ranges::find_if(policy->second, [&](const Way& way) { return !is_down(way.out); });
    return up == policy->second.end() ? nullptr : &*up;
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
        if (is_down(*out)) {
            const auto* way = choose(packet, *target, pinned);
            if (way == nullptr) return ended(End::unprotected);
            if (const auto refused = repair(packet, *way, result)) return ended(*refused);
            out = way->out;
        }
        result.most_visits = std::max(result.most_visits, ++visits[*out]);
        packet.came_by = *out;
        packet.at = graph_->to(*out);
    }
    return result;
}

}  // namespace sidestep::routing
