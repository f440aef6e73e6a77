// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs for a destination: the flow of disjoint_search, then a bounded search where groups are shared.
#include "routing/core/disjoint.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

constexpr int kGroupTrials = 64;
constexpr std::size_t kMeetingsTried = 8;

Distance cost_of(const Graph& graph, const std::vector<ArcId>& path) {
    Distance cost = 0;
    for (const auto arc : path) cost += graph.metric(arc);
    return cost;
}

template <typename T>
std::vector<T> common(const std::vector<T>& one, const std::vector<T>& other) {
    std::vector<T> result;
    std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(result));
    return result;
}

std::vector<LinkId> links_of(const std::vector<ArcId>& path) {
    std::vector<LinkId> result;
    result.reserve(path.size());
    for (const auto arc : path) result.push_back(link_of(arc));
    std::sort(result.begin(), result.end());
    return result;
}

/// Without the path's ends.
std::vector<NodeId> inner_nodes(const Graph& graph, const std::vector<ArcId>& path) {
    std::vector<NodeId> result;
    result.reserve(path.size());
    for (std::size_t i = 1; i < path.size(); ++i) result.push_back(graph.from(path[i]));
    std::sort(result.begin(), result.end());
    return result;
}

}  // namespace

std::string_view name_of(Disjoint disjoint) {
    switch (disjoint) {
        case Disjoint::link:
            return "link";
        case Disjoint::node:
            return "node";
        case Disjoint::srlg:
            return "srlg";
    }
    return "?";
}

DisjointPairs::DisjointPairs(const Graph& graph, NodeId source, Disjoint disjoint)
    : graph_(&graph), source_(source), disjoint_(disjoint), search_(graph, source, disjoint != Disjoint::link) {}

/// The groups that count, ascending.
std::vector<Srlg> DisjointPairs::groups_of(const std::vector<ArcId>& path) const {
    std::set<Srlg> result;
    for (const auto arc : path) {
        for (const auto srlg : graph_->link(link_of(arc)).srlgs) {
            if (disjoint_ == Disjoint::srlg || srlg >= kFirstLan) result.insert(srlg);
        }
    }
    return {result.begin(), result.end()};
}

std::vector<Failure> DisjointPairs::shared_by(const std::vector<ArcId>& one, const std::vector<ArcId>& other) const {
    std::vector<Failure> result;
    if (disjoint_ != Disjoint::link) {
        for (const auto node : common(inner_nodes(*graph_, one), inner_nodes(*graph_, other)))
            result.push_back({.kind = Failure::Kind::node, .id = node});
    }
    for (const auto srlg : common(groups_of(one), groups_of(other)))
        result.push_back({.kind = Failure::Kind::srlg, .id = srlg});
    for (const auto link : common(links_of(one), links_of(other)))
        result.push_back({.kind = Failure::Kind::link, .id = link});
    return result;
}

void DisjointPairs::set_paths(DisjointPair& pair, std::vector<ArcId> one, std::vector<ArcId> other) const {
    if (cost_of(*graph_, other) < cost_of(*graph_, one)) std::swap(one, other);
    pair.shared = shared_by(one, other);
    pair.costs = {cost_of(*graph_, one), cost_of(*graph_, other)};
    pair.paths = {std::move(one), std::move(other)};
}

DisjointPair DisjointPairs::to(NodeId destination) {
    DisjointPair pair;
    pair.destination = destination;
    const auto& name = graph_->node(destination).name;
    if (graph_->node(destination).kind == NodeKind::anycast) {
        pair.reason = name + " belongs to several nodes";
        return pair;
    }
    if (!search_.reaches(destination)) {
        pair.reason = destination == source_ ? name + " is this node" : name + " cannot be reached";
        return pair;
    }
    auto paths = search_.to(destination);
    if (paths[0] == paths[1]) {
        pair.reason = "there is only one way to " + name;
        return pair;
    }
    pair.found = true;
    set_paths(pair, std::move(paths[0]), std::move(paths[1]));
    const auto grouped = [](const Failure& shared) { return shared.kind == Failure::Kind::srlg; };
    if (std::ranges::any_of(pair.shared, grouped)) avoid_groups(pair);
    if (std::ranges::any_of(pair.shared, grouped)) change_over(pair);
    return pair;
}

/// Where the ways meet, they may change places behind it at the same cost. Takes the order of their pieces that shares the
/// fewest groups; of many meetings, the first ones are tried.
void DisjointPairs::change_over(DisjointPair& pair) const {
    auto ways = pair.paths;
    const auto meetings = common(inner_nodes(*graph_, ways[0]), inner_nodes(*graph_, ways[1]));
    const auto tried = std::min<std::size_t>(meetings.size(), kMeetingsTried);
    for (unsigned step = 1; step < 1U << tried; ++step) {
        const auto node = meetings[static_cast<std::size_t>(std::countr_zero(step))];  // Gray code: every order once
        std::array<std::vector<ArcId>, 2> tails;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            const auto at = std::ranges::find(ways[i], node, [&](ArcId arc) { return graph_->from(arc); });
            tails[1 - i].assign(at, ways[i].end());
            ways[i].erase(at, ways[i].end());
        }
        for (std::size_t i = 0; i < ways.size(); ++i) ways[i].insert(ways[i].end(), tails[i].begin(), tails[i].end());
        if (shared_by(ways[0], ways[1]).size() < pair.shared.size()) set_paths(pair, ways[0], ways[1]);
    }
}

std::vector<ArcId> DisjointPairs::shortest(NodeId destination, const Cut& cut) const {
    std::vector<ArcId> path;
    const auto spf = spf_from(*graph_, source_, cut);
    if (spf.distance[destination] == kUnreachable) return path;
    for (auto node = destination; node != source_; node = graph_->from(path.back())) {
        for (const auto& hop : graph_->hops(node)) {
            const Hop into{
                .neighbor = node, .arc = reverse(hop.arc), .metric = hop.back_metric, .back_metric = hop.metric};
            const bool cut_off = !cut.nodes.empty() && cut.nodes[hop.neighbor];
            if (cut_off || cut.removes(into) || !on_shortest_path(*graph_, spf, hop.neighbor, into)) continue;
            path.push_back(into.arc);
            break;
        }
    }
    std::reverse(path.begin(), path.end());
    return path;
}

/// Removes these links and groups, and what a second path must not share with `path`.
Cut DisjointPairs::without(const std::vector<ArcId>& path, const std::vector<Failure>& excluded) const {
    Cut cut{.nodes = {}, .links = std::vector<bool>(graph_->link_count())};
    for (const auto& failure : excluded) {
        const auto own = cut_of(*graph_, failure);
        for (LinkId link = 0; link < graph_->link_count(); ++link) cut.links[link] = cut.links[link] || own.links[link];
    }
    for (const auto link : links_of(path)) cut.links[link] = true;
    if (disjoint_ != Disjoint::link) {
        cut.nodes.resize(graph_->node_count());
        for (const auto node : inner_nodes(*graph_, path)) cut.nodes[node] = true;
    }
    return cut;
}

/// Looks for a pair that shares nothing: the first path is the shortest one without some links and groups, the second
/// one avoids the first. Where there is no second, each link and group of the first is one that it may have to do
/// without.
void DisjointPairs::avoid_groups(DisjointPair& pair) const {
    using Excluded = std::vector<Failure>;
    std::deque<Excluded> open{{}};
    std::set<Excluded> seen{{}};
    bool better = false;
    for (int trial = 0; trial < kGroupTrials && !open.empty(); ++trial) {
        const auto excluded = std::move(open.front());
        open.pop_front();
        auto one = shortest(pair.destination, without({}, excluded));
        if (one.empty()) continue;
        Excluded used;
        for (const auto group : groups_of(one)) used.push_back({.kind = Failure::Kind::srlg, .id = group});
        auto other = shortest(pair.destination, without(one, used));
        if (!other.empty()) {
            const auto cost = cost_of(*graph_, one) + cost_of(*graph_, other);
            if (better && cost >= pair.costs[0] + pair.costs[1]) continue;
            set_paths(pair, std::move(one), std::move(other));
            better = true;
            continue;
        }
        for (const auto link : links_of(one)) used.push_back({.kind = Failure::Kind::link, .id = link});
        for (const auto& failure : used) {
            auto more = excluded;
            more.insert(std::upper_bound(more.begin(), more.end(), failure), failure);
            if (seen.insert(more).second) open.push_back(std::move(more));
        }
    }
}

PinnedWay pin_way(const Graph& graph, const DisjointPair& pair, std::size_t which, const SidOptions& options,
                  UniquePaths& unique) {
    PinnedWay way;
    way.path = pair.paths[which];
    way.cost = pair.costs[which];
    auto segments = pinning_segments(graph, way.path, unique);
    if (!segments) {
        way.reason = segments.error().message;
        return way;
    }
    way.segments = std::move(*segments);
    Repair tunnel;
    tunnel.destination = pair.destination;
    tunnel.via = way.path.front();
    tunnel.segments = way.segments;
    auto sids = tunnel_sids(graph, tunnel, options);
    if (sids) {
        way.sids = std::move(*sids);
    } else {
        way.reason = sids.error().message;
    }
    return way;
}

}  // namespace sidestep::routing
