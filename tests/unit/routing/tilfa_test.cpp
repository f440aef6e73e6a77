// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Golden cases of TI-LFA, each with its drawing. A repair reads "out-link: segments = cost"; unmarked links cost 10.
#include "routing/core/tilfa.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/repair_lists.hpp"
#include "tests/unit/routing/random_graph.hpp"
#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;

std::string to_text(const Graph& graph, const Repair& repair) {
    if (!repair.found) return repair.reason;
    return fmt::format("{}: {} = {}", graph.link(link_of(repair.via)).id, to_string(graph, repair.segments),
                       repair.cost);
}

/// "failure | repair" of each repair of `plr` for `destination`.
std::vector<std::string> repairs(const Sketch& sketch, const std::string& plr, const std::string& destination,
                                 Protect protect = Protect::link) {
    const auto graph = sketch.graph();
    std::vector<std::string> result;
    for (const auto& repair : compute_repairs(graph, graph.find_node(plr).value(), protect)) {
        if (repair.destination != graph.find_node(destination).value()) continue;
        result.push_back(fmt::format("{} | {}", describe(graph, repair.failed), to_text(graph, repair)));
    }
    return result;
}

//    S --- N        A neighbor on the post-convergence path whose own paths avoid S-N: a loop-free
//     \   /         alternate (RFC 5286), no segments.
//      \ /
//       A
TEST(Tilfa, LoopFreeNeighborNeedsNoSegments) {
    EXPECT_THAT(repairs({{"S N 10", "S A 10", "A N 10"}}, "S", "N"), ElementsAre("link S-N | S-A:  = 20"));
}

//      S --- E      RFC 7490, figure 1. B is as near to E on both sides of the ring, C is not in S's P-space but
//     /       \     in that of its neighbor A: C is the PQ node.
//    A         D
//     \       /
//      B --- C
TEST(Tilfa, Rfc7490RingUsesExtendedPSpace) {
    const Sketch ring{{"S E 10", "S A 10", "E D 10", "A B 10", "D C 10", "B C 10"}};
    EXPECT_THAT(repairs(ring, "S", "E"), ElementsAre("link S-E | S-A: C = 50"));
    EXPECT_THAT(repairs(ring, "S", "D"), ElementsAre("link S-E | S-A: C = 40"));
    EXPECT_THAT(repairs(ring, "S", "C"), ElementsAre("link S-E | S-A:  = 30", "link S-A | S-E:  = 30"))
        << "equal-cost primaries repair each other";
}

//    S ------- N1 ------ D     RFC 9855, figure 1: ---- costs 1, **** costs 1000. Without N1 the way leads over N2, R1,
//    R2
//    *\        |  \      |     and R3. S sends to R1 over N1 as well as over N2, so that R1 is in the extended P-space
//    only;
//    * \       |   \     |     R1 and R2 would send back through N1: both their adjacencies are named, the RFC's own
//    list.
//    *  N2 --- R1 ** R2 ** R3
//    N3 ****** R1
TEST(Tilfa, Rfc9855ExampleNamesTwoAdjacencies) {
    const Sketch figure{{"S N1 1", "N1 D 1", "N1 R1 1", "N1 R2 1", "S N2 1", "N2 R1 1", "R1 R2 1000", "R2 R3 1000",
                         "R3 D 1", "S N3 1000", "N3 R1 1000"}};
    EXPECT_THAT(repairs(figure, "S", "D", Protect::node), ElementsAre("node N1 | S-N2: R1, R1-R2, R2-R3 = 2003"));
    EXPECT_THAT(repairs(figure, "S", "D"), ElementsAre("link S-N1 | S-N2: R1 = 4"));
}

//    S --- N --- D      P and Q are neighbors: the shortest way of P to Q leads back over S-N, because P-Q is dear,
//    |     |            so the adjacency has to be named.
//    A     Q
//    |     |
//    P ----+ 100
TEST(Tilfa, AdjacentPAndQAreJoinedByTheirAdjacency) {
    const Sketch square{{"S N 10", "N D 10", "S A 10", "A P 10", "N Q 10", "P Q 100"}};
    EXPECT_THAT(repairs(square, "S", "N"), ElementsAre("link S-N | S-A: P, P-Q = 130"));
    EXPECT_THAT(repairs(square, "S", "D"), ElementsAre("link S-N | S-A: P, P-Q = 140"));
    EXPECT_THAT(repairs(square, "A", "N"), ElementsAre("link S-A | A-P: P-Q = 120"))
        << "the neighbor needs no segment of its own";
}

//    S --- N      A, B and C each find the way back through S shorter (their links in this direction cost 100, back 1):
//    |     |      P and Q are not neighbors, only a list of adjacencies gets through.
//    A     C
//    |     |
//    +- B -+
TEST(Tilfa, DistantPAndQNeedAList) {
    EXPECT_THAT(repairs({{"S N 10", "S A 1", "A B 100/1", "B C 100/1", "C N 100/1"}}, "S", "N"),
                ElementsAre("link S-N | S-A: A-B, B-C, C-N = 301"));
}

//    S --- N --- D      Two P-Q links: the dear one is chosen when only it is on the post-convergence path.
//    |           |
//    P ========= Q      50 and, in an SRLG with S-N, 40
TEST(Tilfa, ParallelLinksAreToldApart) {
    const Sketch network{{"S N 10 7", "N D 10", "S P 10", "D Q 10", "P Q 40 7", "P Q 50"}};
    EXPECT_THAT(repairs(network, "S", "D"), ElementsAre("link S-N | S-P: P-Q = 60"));
    EXPECT_THAT(repairs(network, "S", "D", Protect::srlg), ElementsAre("SRLG 7 | S-P: P-Q.2 = 70"));
    EXPECT_THAT(repairs({{"S N 10", "S N 20", "N D 10"}}, "S", "D"), ElementsAre("link S-N | S-N.2:  = 30"));
}

//    S --- N --- D      Without link S-N the path still leads through N (over A); without node N it does not. N itself
//    |\   /      |      can only be protected against the loss of its link.
//    | A-+       |
//    B --------- C
TEST(Tilfa, NodeProtectionAvoidsTheNodeAndFallsBackToTheLink) {
    const Sketch network{{"S N 10", "N D 10", "S A 10", "A N 10", "S B 20", "B C 20", "C D 20"}};
    EXPECT_THAT(repairs(network, "S", "D"), ElementsAre("link S-N | S-A:  = 30"));
    EXPECT_THAT(repairs(network, "S", "D", Protect::node), ElementsAre("node N | S-B: C = 60"));
    EXPECT_THAT(repairs(network, "S", "N", Protect::node), ElementsAre("link S-N | S-A:  = 20"));
}

//    S --- N --- D      N is the only way to D: against its loss nothing helps, against that of its link A does.
//     \   /
//       A
TEST(Tilfa, CutVertexIsProtectedAgainstItsLink) {
    EXPECT_THAT(repairs({{"S N 10", "N D 10", "S A 10", "A N 10"}}, "S", "D", Protect::node),
                ElementsAre("link S-N | S-A:  = 30"));
}

//    S --- N      The direct detour over A shares a duct (SRLG 1) with S-N; B is dearer but apart.
//    |\   /|
//    | A-+ |
//    B ----+
TEST(Tilfa, SrlgProtectionAvoidsTheWholeGroup) {
    const Sketch network{{"S N 10 1", "S A 10", "A N 10 1", "S B 30", "B N 40"}};
    EXPECT_THAT(repairs(network, "S", "N"), ElementsAre("link S-N | S-A:  = 20"));
    EXPECT_THAT(repairs(network, "S", "N", Protect::srlg), ElementsAre("SRLG 1 | S-B: B-N = 70"));
    EXPECT_THAT(repairs(network, "S", "A", Protect::srlg), ElementsAre("link S-A | S-N:  = 20"))
        << "a link without groups is protected as a link";
}

//    S === N      Both links are in SRLG 1: the group is unprotectable, each link alone is.
TEST(Tilfa, HopelessSrlgIsReportedAndItsLinkProtected) {
    EXPECT_THAT(repairs({{"S N 10 1", "S N 20 1"}}, "S", "N", Protect::srlg),
                ElementsAre("SRLG 1 | no path to N without SRLG 1", "link S-N | S-N.2:  = 20"));
}

//    S --- N --- D      A bridge.
TEST(Tilfa, FarSideOfABridgeIsUnprotectable) {
    const Sketch network{{"S N 10", "N D 10"}};
    EXPECT_THAT(repairs(network, "S", "D"), ElementsAre("link S-N | no path to D without link S-N"));
    EXPECT_THAT(repairs(network, "S", "D", Protect::node), ElementsAre("link S-N | no path to D without link S-N"));
}

//    S --- N      A is overloaded: it may be the end of a path, not the middle.
//    |\   /|
//    | A-+ |
//    B ----+
TEST(Tilfa, OverloadedNodeCarriesNoRepair) {
    const Sketch network{{"S N 10", "S A 10", "A N 10", "S B 15", "B N 15"}, {"A"}};
    EXPECT_THAT(repairs(network, "S", "N"), ElementsAre("link S-N | S-B:  = 30"));
    EXPECT_THAT(repairs(network, "S", "A"), ElementsAre("link S-A | S-N:  = 20"));
}

//    S --- N (owner)      An anycast prefix: when N is lost, the repair leads to the other owner.
//    |
//    B --- C (owner), 20
TEST(Tilfa, AnycastIsRepairedTowardsTheOtherOwner) {
    Graph graph;
    const auto prefix = Prefix::parse("2001:db8:53::/48").value();
    for (const auto* name : {"S", "N", "B", "C"}) {
        Node node;
        node.name = name;
        if (node.name == "N" || node.name == "C") node.prefixes.push_back(prefix);
        graph.add_node(std::move(node));
    }
    const auto link = [&](const std::string& id, NodeId from, NodeId to, Metric metric) {
        Link result;
        result.id = id;
        result.ends = {from, to};
        result.metrics = {metric, metric};
        graph.add_link(std::move(result));
    };
    link("S-N", 0, 1, 10);
    link("S-B", 0, 2, 10);
    link("B-C", 2, 3, 20);
    graph.attach_anycast();
    graph.freeze();
    const auto all = compute_repairs(graph, 0, Protect::node);
    ASSERT_FALSE(all.empty());
    const auto& repair = all.back();
    EXPECT_EQ(graph.node(repair.destination).name, "2001:db8:53::/48");
    EXPECT_EQ(describe(graph, repair.failed), "node N");
    EXPECT_EQ(to_text(graph, repair), "S-B: C = 30") << "B is as near to N as to C, so C is named";
    EXPECT_THAT(path_nodes(graph, repair), ElementsAre(0U, 2U, 3U));
}

//    S --- N --- H         H and I are hosts of one prefix. When N is lost, packets have to come to C, since B would send
//    |                     them to N; a host has no SIDs.
//    B --- C --- I, B-C 20
TEST(Tilfa, ThePrefixOfTwoHostsIsRepairedTowardsTheOther) {
    Graph graph;
    const auto prefix = Prefix::parse("2001:db8:53::/48").value();
    for (const std::string name : {"S", "N", "B", "C", "H", "I"}) {
        Node node{.name = name};
        if (name < "H") node.locator = Prefix::parse("fd00:" + std::to_string(name[0]) + "::/48");
        if (name == "H" || name == "I") node.kind = NodeKind::host;
        if (node.kind == NodeKind::host) node.prefixes.push_back(prefix);
        graph.add_node(std::move(node));
    }
    const auto link = [&](const std::string& id, NodeId from, NodeId to, Metric metric) {
        graph.add_link({.id = id, .ends = {from, to}, .metrics = {metric, metric}});
    };
    link("S-N", 0, 1, 10);
    link("S-B", 0, 2, 10);
    link("B-C", 2, 3, 20);
    link("N-H", 1, 4, 10);
    link("C-I", 3, 5, 10);
    graph.attach_anycast();
    graph.freeze();
    const auto shared = *graph.find_node("2001:db8:53::/48");
    std::vector<std::string> found;
    for (const auto& repair : compute_repairs(graph, 0, Protect::node)) {
        if (repair.destination == shared)
            found.push_back(describe(graph, repair.failed) + " | " + to_text(graph, repair));
    }
    EXPECT_THAT(found, ElementsAre("node N | S-B: C = 40"));
}

/// The promise of docs/routing.md: old trees to and from S and its neighbors, and one tree per link after its failure.
TEST(Tilfa, ShortestPathTreesGrowWithTheDegreeOnly) {
    for (const std::size_t nodes : {50U, 500U}) {
        const auto graph = RandomGraph{.nodes = nodes, .degree = 4, .seed = 3}.graph();
        OldTrees trees(graph);
        for (const auto& hop : graph.hops(0)) {
            const RepairLists lists(graph, 0, {.kind = Failure::Kind::link, .id = link_of(hop.arc)}, trees);
        }
        EXPECT_LE(trees.runs(), 2 * (1 + graph.hops(0).size())) << nodes << " nodes";
    }
}

}  // namespace
}  // namespace sidestep::routing
