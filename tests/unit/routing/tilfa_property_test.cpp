// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every repair must be, on seeded random graphs and real networks: it arrives by every equal-cost choice of
// routers that know nothing of the failure, never meets the failure, follows the post-convergence path, needs as few
// segments as the oracle, and exists wherever there is a path at all. SIDESTEP_NIGHTLY=1 tries 20 times as many graphs.
#include <algorithm>
#include <cstdlib>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/tilfa.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/unit/routing/forwarding.hpp"
#include "tests/unit/routing/oracle.hpp"
#include "tests/unit/routing/random_graph.hpp"

namespace sidestep::routing {
namespace {

/// The failures that matter to `plr`, by destination, straight from the definition.
std::map<NodeId, std::set<Failure>> expected_failures(const Graph& graph, NodeId plr, Protect protect) {
    std::map<NodeId, std::set<Failure>> result;
    const auto spf = spf_from(graph, plr);
    for (NodeId destination = 0; destination < graph.node_count(); ++destination) {
        if (destination == plr || spf.distance[destination] == kUnreachable) continue;
        const auto owner = [&](const Hop& hop) { return hop.neighbor == plr; };
        if (graph.node(destination).kind == NodeKind::anycast && std::ranges::any_of(graph.hops(destination), owner))
            continue;  // the packets of an owner stay there
        const auto to = spf_to(graph, destination);
        for (const auto& hop : graph.hops(plr)) {
            const auto neighbor = hop.neighbor;
            if (neighbor != destination && !graph.passes(neighbor, destination)) continue;
            if (to.distance[neighbor] == kUnreachable) continue;
            if (hop.metric + to.distance[neighbor] != spf.distance[destination]) continue;
            const Failure link{.kind = Failure::Kind::link, .id = link_of(hop.arc)};
            const auto& srlgs = graph.link(link.id).srlgs;
            std::vector<Failure> failures;
            if (protect == Protect::node && neighbor != destination) {
                failures.push_back({.kind = Failure::Kind::node, .id = neighbor});
            } else if (protect == Protect::srlg) {
                for (const auto srlg : srlgs) failures.push_back({.kind = Failure::Kind::srlg, .id = srlg});
            }
            if (failures.empty()) failures.push_back(link);
            for (const auto& failure : failures) {
                const auto after = spf_from(graph, plr, cut_of(graph, failure));
                const bool cut_off = after.distance[destination] == kUnreachable;
                if (!cut_off || failure.kind != Failure::Kind::node) result[destination].insert(failure);
                if (cut_off) result[destination].insert(link);
            }
        }
    }
    return result;
}

void check_node(const Graph& graph, const Oracle& oracle, NodeId plr, Protect protect) {
    const auto repairs = compute_repairs(graph, plr, protect);
    Forwarding forwarding(graph);
    std::map<NodeId, std::set<Failure>> seen;
    std::map<Failure, std::vector<std::optional<Oracle::Answer>>> answers;
    for (const auto& repair : repairs) {
        SCOPED_TRACE(fmt::format("{} -> {}, {}", graph.node(plr).name, graph.node(repair.destination).name,
                                 describe(graph, repair.failed)));
        EXPECT_TRUE(seen[repair.destination].insert(repair.failed).second) << "twice";
        auto& answer = answers[repair.failed];
        if (answer.empty()) answer = oracle.repairs(plr, repair.failed);
        const auto& wanted = answer[repair.destination];
        ASSERT_EQ(repair.found, wanted.has_value()) << repair.reason;
        if (!wanted) {
            EXPECT_NE(repair.reason, "");
            continue;
        }
        EXPECT_EQ(repair.cost, wanted->cost);
        EXPECT_EQ(repair.segments.size(), wanted->segments);
        EXPECT_EQ(forwarding.check(plr, repair), "");
        const auto path = path_nodes(graph, repair);
        ASSERT_FALSE(path.empty());
        EXPECT_EQ(path.front(), plr);
    }
    EXPECT_EQ(seen, expected_failures(graph, plr, protect));
}

void check(const Graph& graph) {
    const Oracle oracle(graph);
    for (NodeId plr = 0; plr < graph.node_count(); ++plr) {
        if (graph.node(plr).kind == NodeKind::anycast) continue;
        for (const auto protect : {Protect::link, Protect::node, Protect::srlg}) {
            check_node(graph, oracle, plr, protect);
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST(TilfaProperty, HoldsOnRandomSymmetricGraphs) {
    for (std::uint32_t seed = 1; seed <= rounds(15) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        check(RandomGraph{.nodes = 6 + seed % 12, .degree = 3.5, .max_metric = 1 + seed % 9, .srlgs = 4, .seed = seed}
                  .graph());
    }
}

TEST(TilfaProperty, HoldsOnRandomAsymmetricGraphs) {
    for (std::uint32_t seed = 1; seed <= rounds(15) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        check(RandomGraph{.nodes = 6 + seed % 12,
                          .degree = 3.2,
                          .max_metric = 2 + seed % 20,
                          .symmetric = false,
                          .srlgs = 4,
                          .seed = seed}
                  .graph());
    }
}

TEST(TilfaProperty, HoldsWithOverloadHostsAndAnycast) {
    for (std::uint32_t seed = 1; seed <= rounds(25) && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        check(RandomGraph{.nodes = 8 + seed % 9,
                          .degree = 4,
                          .max_metric = 1 + seed % 6,
                          .symmetric = seed % 2 == 0,
                          .odd_nodes = true,
                          .srlgs = 5,
                          .seed = seed}
                  .graph());
    }
}

/// RFC 9855: with symmetric metrics P and Q are the same node or neighbors.
void check_symmetric_bound(const Graph& graph) {
    for (NodeId plr = 0; plr < graph.node_count(); ++plr) {
        for (const auto& repair : compute_repairs(graph, plr, Protect::link)) {
            std::size_t nodes = 0;
            for (const auto& segment : repair.segments) nodes += segment.kind == Segment::Kind::node ? 1 : 0;
            ASSERT_LE(nodes, 1U);
            ASSERT_LE(repair.segments.size() - nodes, 1U);
        }
    }
}

TEST(TilfaProperty, SymmetricMetricsNeedOneNodeAndOneAdjacencySegment) {
    for (std::uint32_t seed = 1; seed <= rounds(10) && !HasFailure(); ++seed) {
        check_symmetric_bound(RandomGraph{.nodes = 60, .degree = 3, .max_metric = 8, .seed = seed}.graph());
    }
}

class RealNetwork : public testing::TestWithParam<const char*> {};

TEST_P(RealNetwork, IsProtectedWhereverThereIsAPath) {
    const auto topology = load_topology(fmt::format("{}/topo/zoo/{}.gml", SIDESTEP_SOURCE_DIR, GetParam()));
    ASSERT_TRUE(topology) << topology.error().message;
    const auto& graph = topology->graph;
    check_symmetric_bound(graph);
    if (graph.node_count() <= 50) {
        check(graph);
        return;
    }
    const Oracle oracle(graph);
    const auto step = static_cast<NodeId>(std::getenv("SIDESTEP_NIGHTLY") == nullptr ? graph.node_count() / 3 : 7);
    for (NodeId plr = 1; plr < graph.node_count() && !HasFailure(); plr += step) {
        check_node(graph, oracle, plr, Protect::link);
        check_node(graph, oracle, plr, Protect::node);
    }
}

INSTANTIATE_TEST_SUITE_P(Zoo, RealNetwork,
                         testing::Values("Abilene", "Nsfnet", "Sprint", "Bics", "Geant2012", "Cogentco", "Kdl"));

}  // namespace
}  // namespace sidestep::routing
