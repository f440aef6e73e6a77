// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every pair must be, on seeded random graphs and real networks. Both lists are walked by every equal-cost choice
// of the routers, by segments and by SIDs: they arrive, touch what the paths say and nothing else, share what is claimed. On small graphs,
// no other two paths share less, or as little at less cost. SIDESTEP_NIGHTLY=1 tries 20 times as many graphs.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/disjoint.hpp"
#include "routing/core/sids.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/unit/routing/random_graph.hpp"

namespace sidestep::routing {
namespace {

/// What packets of one list can touch.
struct Touched {
    std::set<NodeId> inner;
    std::set<LinkId> links;
    bool arrives = true;
};

class Walker {
  public:
    explicit Walker(const Graph& graph) : graph_(&graph), to_(graph) {
        for (NodeId node = 0; node < graph.node_count(); ++node) {
            for (const auto& sid : local_sids(graph, node)) installed_[sid.sid] = {node, sid};
        }
    }

    Touched walk(const PinnedWay& way, NodeId destination) {
        Touched touched;
        auto at = over(way.path.front(), touched);
        for (const auto& segment : way.segments) {
            if (segment.kind == Segment::Kind::node) {
                towards(at, segment.id, touched);
                at = segment.id;
            } else {
                touched.arrives = touched.arrives && graph_->from(segment.id) == at;
                at = over(segment.id, touched);
            }
        }
        towards(at, destination, touched);
        touched.inner.erase(destination);
        return touched;
    }

    /// The same by what packets carry: routers know nothing but the SIDs that they have installed.
    Touched walk_sids(const PinnedWay& way, NodeId destination) {
        Touched touched;
        auto at = over(way.path.front(), touched);
        auto last = Behavior::end;
        for (const auto& sid : way.sids) {
            const auto known = installed_.find(sid);
            if (known == installed_.end()) return {.inner = {}, .links = {}, .arrives = false};
            const auto& [owner, local] = known->second;
            towards(at, owner, touched);
            at = local.arc ? over(*local.arc, touched) : owner;
            last = local.behavior;
        }
        touched.arrives = touched.arrives && at == destination && last == Behavior::decap;
        touched.inner.erase(destination);
        return touched;
    }

  private:
    NodeId over(ArcId arc, Touched& touched) const {
        touched.links.insert(link_of(arc));
        touched.inner.insert(graph_->to(arc));
        return graph_->to(arc);
    }
    void towards(NodeId at, NodeId target, Touched& touched) {
        const auto& distance = to_.to(target).distance;
        touched.arrives = touched.arrives && distance[at] != kUnreachable;
        if (at == target || !touched.arrives) return;
        for (const auto& hop : graph_->hops(at)) {
            const bool usable = hop.neighbor == target || graph_->transit(hop.neighbor);
            if (!usable || distance[hop.neighbor] == kUnreachable) continue;
            if (hop.metric + distance[hop.neighbor] == distance[at]) towards(over(hop.arc, touched), target, touched);
        }
    }

    const Graph* graph_;
    OldTrees to_;
    std::map<Address, std::pair<NodeId, LocalSid>> installed_;
};

std::vector<Failure> common(const Graph& graph, const Touched& one, const Touched& other, Disjoint disjoint) {
    std::set<Failure> result;
    const auto groups = [&](const Touched& touched) {
        std::set<Srlg> all;
        for (const auto link : touched.links) all.insert(graph.link(link).srlgs.begin(), graph.link(link).srlgs.end());
        return all;
    };
    for (const auto node : one.inner) {
        if (disjoint != Disjoint::link && other.inner.contains(node)) result.insert({Failure::Kind::node, node});
    }
    for (const auto link : one.links) {
        if (other.links.contains(link)) result.insert({Failure::Kind::link, link});
    }
    const auto theirs = groups(other);
    for (const auto srlg : groups(one)) {
        if (disjoint == Disjoint::srlg && theirs.contains(srlg)) result.insert({Failure::Kind::srlg, srlg});
    }
    return {result.begin(), result.end()};
}

Distance cost_of(const Graph& graph, const std::vector<ArcId>& path) {
    Distance cost = 0;
    for (const auto arc : path) cost += graph.metric(arc);
    return cost;
}

/// All paths without a node twice.
std::vector<std::vector<ArcId>> all_paths(const Graph& graph, NodeId from, NodeId to) {
    std::vector<std::vector<ArcId>> result;
    std::vector<ArcId> path;
    std::set<NodeId> visited{from};
    const std::function<void(NodeId)> visit = [&](NodeId node) {
        if (node == to) {
            result.push_back(path);
            return;
        }
        if (node != from && !graph.transit(node)) return;
        for (const auto& hop : graph.hops(node)) {
            if (!visited.insert(hop.neighbor).second) continue;
            path.push_back(hop.arc);
            visit(hop.neighbor);
            path.pop_back();
            visited.erase(hop.neighbor);
        }
    };
    visit(from);
    return result;
}

Touched touched_by(const Graph& graph, const std::vector<ArcId>& path) {
    Touched touched;
    for (const auto arc : path) {
        touched.links.insert(link_of(arc));
        if (arc != path.back()) touched.inner.insert(graph.to(arc));
    }
    return touched;
}

/// The best pair by trying all: what is shared, then cost.
std::pair<std::size_t, Distance> best_pair(const Graph& graph, NodeId from, NodeId to, Disjoint disjoint) {
    std::pair<std::size_t, Distance> best{~std::size_t{0}, kUnreachable};
    const auto paths = all_paths(graph, from, to);
    std::vector<Touched> touched;
    for (const auto& path : paths) touched.push_back(touched_by(graph, path));
    for (std::size_t i = 0; i < paths.size(); ++i) {
        for (std::size_t j = i; j < paths.size(); ++j) {
            best = std::min(best, {common(graph, touched[i], touched[j], disjoint).size(),
                                   cost_of(graph, paths[i]) + cost_of(graph, paths[j])});
        }
    }
    return best;
}

/// Everything that can be said of a pair without looking at other pairs. Returns whether it was found.
bool check_pair(const Graph& graph, NodeId source, const DisjointPair& pair, Disjoint disjoint, Walker& walker,
                UniquePaths& unique) {
    SCOPED_TRACE(
        fmt::format("{} -> {}, {}", graph.node(source).name, graph.node(pair.destination).name, name_of(disjoint)));
    if (!pair.found) {
        EXPECT_NE(pair.reason, "");
        return false;
    }
    EXPECT_LE(pair.costs[0], pair.costs[1]);
    EXPECT_NE(pair.paths[0], pair.paths[1]);
    std::array<Touched, 2> touched;
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(graph.from(pair.paths[i].front()), source);
        EXPECT_EQ(pair.costs[i], cost_of(graph, pair.paths[i]));
        const auto way = pin_way(graph, pair, i, {.max_depth = 100}, unique);
        if (graph.node(pair.destination).locator) {
            EXPECT_EQ(way.reason, "");
        }
        touched[i] = walker.walk(way, pair.destination);
        const auto expected = touched_by(graph, pair.paths[i]);
        EXPECT_TRUE(touched[i].arrives);
        EXPECT_EQ(touched[i].links, expected.links) << "way " << i << " is not the only one of its list";
        EXPECT_EQ(touched[i].inner, expected.inner);
        if (!way.sids.empty()) {
            const auto sent = walker.walk_sids(way, pair.destination);
            EXPECT_TRUE(sent.arrives) << "not decapsulated at its destination";
            EXPECT_EQ(sent.links, expected.links) << "the SIDs of way " << i << " lead elsewhere";
        }
        EXPECT_EQ(touched[i].inner.size() + 1, pair.paths[i].size()) << "a node twice";
        for (const auto node : touched[i].inner) EXPECT_TRUE(graph.transit(node));
    }
    EXPECT_EQ(common(graph, touched[0], touched[1], disjoint), pair.shared) << "not disjoint as claimed";
    return true;
}

void check_all(const Graph& graph, Disjoint disjoint, NodeId source) {
    DisjointPairs pairs(graph, source, disjoint);
    Walker walker(graph);
    UniquePaths unique(graph);
    for (NodeId destination = 0; destination < graph.node_count(); ++destination) {
        if (destination == source || graph.node(destination).kind == NodeKind::anycast) continue;
        check_pair(graph, source, pairs.to(destination), disjoint, walker, unique);
        if (testing::Test::HasFailure()) return;
    }
}

RandomGraph small(std::uint32_t seed, Srlg srlgs) {
    return {.nodes = 5 + seed % 4,
            .degree = 3.2,
            .max_metric = 1 + seed % 7,
            .symmetric = seed % 2 == 0,
            .odd_nodes = seed % 3 == 0,
            .srlgs = srlgs,
            .seed = seed};
}

TEST(DisjointProperty, ListsHoldOnRandomGraphs) {
    for (std::uint32_t seed = 1; seed <= rounds(30) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto graph = RandomGraph{.nodes = 8 + seed % 20,
                                       .degree = seed % 2 == 0 ? 3.0 : 4.0,
                                       .max_metric = 1 + seed % 9,
                                       .symmetric = seed % 2 == 0,
                                       .odd_nodes = seed % 3 == 0,
                                       .srlgs = 6,
                                       .seed = seed}
                               .graph();
        for (NodeId source = 0; source < graph.node_count(); ++source) {
            if (graph.node(source).kind == NodeKind::anycast) continue;
            for (const auto disjoint : {Disjoint::link, Disjoint::node, Disjoint::srlg})
                check_all(graph, disjoint, source);
        }
    }
}

TEST(DisjointProperty, NoOtherPairIsBetter) {
    std::size_t compared = 0;
    for (std::uint32_t seed = 1; seed <= rounds(120) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto graph = small(seed, 0).graph();
        for (const auto disjoint : {Disjoint::link, Disjoint::node}) {
            DisjointPairs pairs(graph, 0, disjoint);
            for (NodeId destination = 1; destination < graph.node_count(); ++destination) {
                if (graph.node(destination).kind == NodeKind::anycast) continue;
                const auto pair = pairs.to(destination);
                const auto best = best_pair(graph, 0, destination, disjoint);
                if (!pair.found) {
                    const auto paths = all_paths(graph, 0, destination);
                    EXPECT_TRUE(paths.size() < 2 || best.first > 0) << "to " << graph.node(destination).name;
                    continue;
                }
                EXPECT_EQ(std::make_pair(pair.shared.size(), pair.costs[0] + pair.costs[1]), best)
                    << "to " << graph.node(destination).name << ", " << name_of(disjoint);
                ++compared;
            }
        }
    }
    EXPECT_GE(compared, 500U);
}

// The search for SRLG-disjoint pairs is bounded. What it finds is right (above); on small graphs it misses nothing.
TEST(DisjointProperty, GroupsAreAvoidedWhereverThatIsPossible) {
    std::size_t avoided = 0;
    for (std::uint32_t seed = 1; seed <= rounds(120) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto graph = small(seed, 5).graph();
        DisjointPairs pairs(graph, 0, Disjoint::srlg);
        for (NodeId destination = 1; destination < graph.node_count(); ++destination) {
            if (graph.node(destination).kind == NodeKind::anycast) continue;
            const auto pair = pairs.to(destination);
            if (best_pair(graph, 0, destination, Disjoint::srlg).first != 0) continue;
            EXPECT_TRUE(pair.found && pair.shared.empty()) << "to " << graph.node(destination).name;
            ++avoided;
        }
    }
    EXPECT_GE(avoided, 100U);
}

class RealPairs : public testing::TestWithParam<const char*> {};

TEST_P(RealPairs, HoldOverTheRouting) {
    const auto topology = load_topology(fmt::format("{}/topo/zoo/{}.gml", SIDESTEP_SOURCE_DIR, GetParam()));
    ASSERT_TRUE(topology) << topology.error().message;
    const auto& graph = topology->graph;
    const auto step = static_cast<NodeId>(graph.node_count() <= 50 ? 1 : graph.node_count() / 5);
    for (NodeId source = 0; source < graph.node_count() && !HasFailure(); source += step) {
        for (const auto disjoint : {Disjoint::link, Disjoint::node}) check_all(graph, disjoint, source);
    }
}

INSTANTIATE_TEST_SUITE_P(Zoo, RealPairs,
                         testing::Values("Abilene", "Nsfnet", "Sprint", "Bics", "Geant2012", "Cogentco", "Kdl"));

}  // namespace
}  // namespace sidestep::routing
