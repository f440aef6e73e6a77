// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Pairs of ways on small networks that can be drawn.
#include "routing/core/disjoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The links of both ways, and what they share, as text.
struct Seen {
    std::string one;
    std::string other;
    std::string shared;
    std::string reason;
};

std::string names(const Graph& graph, const std::vector<ArcId>& path) {
    std::string text;
    for (const auto arc : path) text += (text.empty() ? "" : " ") + graph.link(link_of(arc)).id;
    return text;
}

Seen seen(const Graph& graph, const std::string& from, const std::string& to, Disjoint disjoint) {
    const auto pair = DisjointPairs(graph, *graph.find_node(from), disjoint).to(*graph.find_node(to));
    Seen result{
        .one = names(graph, pair.paths[0]), .other = names(graph, pair.paths[1]), .shared = {}, .reason = pair.reason};
    for (const auto& failure : pair.shared)
        result.shared += (result.shared.empty() ? "" : ", ") + describe(graph, failure);
    return result;
}

//      B --- C
//     /  \ /  \       S-B, B-C and C-D cost 1, everything else 3: the shortest path S B C D is a trap, for nothing is
//    S    X    D      left beside it. The pair is S B E D and S A C D.
//     \  / \  /
//      A --- E
TEST(Disjoint, TheShortestPathIsNoTrap) {
    const auto graph = Sketch{.links = {"S B 1", "B C 1", "C D 1", "S A 3", "A C 3", "B E 3", "E D 3"}}.graph();
    for (const auto disjoint : {Disjoint::link, Disjoint::node, Disjoint::srlg}) {
        const auto pair = seen(graph, "S", "D", disjoint);
        EXPECT_EQ(pair.one, "S-B B-E E-D");
        EXPECT_EQ(pair.other, "S-A A-C C-D");
        EXPECT_EQ(pair.shared, "");
    }
}

//    S === B === D     Both pairs of parallel links: link-disjoint, but everything passes B.
TEST(Disjoint, WhatCannotBeAvoidedIsNamed) {
    const auto graph = Sketch{.links = {"S B 1", "S B 2", "B D 1", "B D 2"}}.graph();
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::link).shared, "");
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::node).shared, "node B");
}

//    S === B --- C === D
TEST(Disjoint, ABridgeIsShared) {
    const auto graph = Sketch{.links = {"S B 1", "S B 2", "B C 1", "C D 1", "C D 2"}}.graph();
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::link).shared, "link B-C");
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::node).shared, "node B, node C, link B-C");
    EXPECT_EQ(seen(graph, "B", "C", Disjoint::link).reason, "there is only one way to C");
    EXPECT_EQ(seen(graph, "S", "S", Disjoint::link).reason, "S is this node");
}

//    S-A-D costs 2, S-B-D 4, S-C-D 6; S-A and S-B lie in one duct.
TEST(Disjoint, GroupsAreAvoidedWhereAskedFor) {
    const auto graph = Sketch{.links = {"S A 1 7", "A D 1", "S B 2 7", "B D 2", "S C 3", "C D 3"}}.graph();
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::node).other, "S-B B-D");
    const auto pair = seen(graph, "S", "D", Disjoint::srlg);
    EXPECT_EQ(pair.one, "S-A A-D");
    EXPECT_EQ(pair.other, "S-C C-D");
    EXPECT_EQ(pair.shared, "");
}

//    S === B === D     Either order costs the same, but only in one of them both ways lie in group 3.
TEST(Disjoint, WaysThatMeetShareNoGroupWithoutNeed) {
    for (const auto& [one, other] : {std::pair{"B D 1 3", "B D 1 4"}, {"B D 1 4", "B D 1 3"}}) {
        const auto graph = Sketch{.links = {"S B 1 3", "S B 1 1", one, other}}.graph();
        EXPECT_EQ(seen(graph, "S", "D", Disjoint::srlg).shared, "node B");
    }
}

TEST(Disjoint, AGroupOfBothWaysIsNamed) {
    const auto graph = Sketch{.links = {"S A 1 7", "A D 1", "S B 2", "B D 2 7"}}.graph();
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::srlg).shared, "SRLG 7");
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::node).shared, "");
}

TEST(Disjoint, ALanCountsAsALink) {
    const auto lan = std::to_string(kFirstLan);
    const auto graph = Sketch{.links = {"S A 1 " + lan, "A D 1", "S B 1 " + lan, "B D 1", "S C 9", "C D 9"}}.graph();
    EXPECT_EQ(seen(graph, "S", "D", Disjoint::link).other, "S-C C-D");
}

TEST(Disjoint, OverloadedNodesAndSharedPrefixesAreNoTransit) {
    const auto graph = Sketch{.links = {"S A 1", "A D 1", "S B 1", "B D 1", "S C 5", "C D 5"},
                              .overloaded = {"A"},
                              .prefixes = {"B 2001:db8::/48", "C 2001:db8::/48"}}
                           .graph();
    const auto pair = seen(graph, "S", "D", Disjoint::node);
    EXPECT_EQ(pair.one, "S-B B-D");
    EXPECT_EQ(pair.other, "S-C C-D");
    EXPECT_EQ(seen(graph, "S", "2001:db8::/48", Disjoint::node).reason, "2001:db8::/48 belongs to several nodes");
}

std::vector<std::string> sids(const PinnedWay& way) {
    std::vector<std::string> texts;
    for (const auto& sid : way.sids) texts.push_back(sid.to_string());
    return texts;
}

//    S --- A --- D     A-D, B-D, B-C and C-D cost 1, S-A and S-B 1, A-B 1: from B, D is reached over A and directly.
//      \       / |
//        B ------+
TEST(Disjoint, NoRouterHasAChoice) {
    const auto graph = Sketch{.links = {"S A 1", "A D 1", "S B 1", "B D 2", "B A 1"}}.graph();
    const auto pair = DisjointPairs(graph, *graph.find_node("S"), Disjoint::node).to(*graph.find_node("D"));
    UniquePaths unique(graph);
    const auto one = pin_way(graph, pair, 0, {}, unique);
    const auto other = pin_way(graph, pair, 1, {}, unique);
    EXPECT_THAT(one.segments, IsEmpty()) << "A has one shortest path";
    EXPECT_THAT(sids(one), ElementsAre("fd00:0:3:6::"));
    EXPECT_EQ(to_string(graph, other.segments), "B-D") << "B has two";
    EXPECT_THAT(sids(other), ElementsAre("fd00:0:4:1003::", "fd00:0:3:6::"));
}

TEST(Disjoint, AnEndXOfTwoLinksPinsNothing) {
    const auto graph = Sketch{.links = {"S A 1", "A D 1", "S B 1", "B D 1"}}.graph();
    Graph same;
    for (const auto& node : graph.nodes()) same.add_node(node);
    for (auto link : graph.links()) {
        if (link.id == "A-D") link.functions = {0x8001, 0x8001};
        same.add_link(link);
    }
    same.add_link({.id = "A-D.2", .ends = {1, 2}, .metrics = {1, 1}, .functions = {0x8001, 0x8001}});
    same.freeze();
    const auto pair = DisjointPairs(same, 0, Disjoint::node).to(2);
    UniquePaths unique(same);
    EXPECT_EQ(pin_way(same, pair, 0, {}, unique).reason, "the End.X of link A-D may lead over A-D.2, too");
}

TEST(Disjoint, AListThatIsTooLongHasItsReason) {
    const auto graph = Sketch{.links = {"S A 1", "A D 1", "S B 1", "B D 2", "B A 1"}}.graph();
    const auto pair = DisjointPairs(graph, 0, Disjoint::node).to(*graph.find_node("D"));
    UniquePaths unique(graph);
    EXPECT_EQ(pin_way(graph, pair, 1, {.max_depth = 1}, unique).reason, "needs 2 SIDs, but the maximum SID depth is 1");
}

}  // namespace
}  // namespace sidestep::routing
