// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Shortest paths: equal-cost choices, parallel links, asymmetric metrics, overload and cuts.
#include "routing/core/spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;

//        1       1
//    A ----- B ----- D
//    |               |        C is one more equal-cost way; the second B-D link costs 3
//    +------ C ------+
//        1       1
const Sketch kDiamond{{"A B 1", "B D 1", "A C 1", "C D 1", "B D 3"}};

TEST(Spf, FindsEveryEqualCostFirstHop) {
    const auto graph = kDiamond.graph();
    const auto spf = spf_from(graph, 0);
    EXPECT_THAT(spf.distance, ElementsAre(0U, 1U, 2U, 1U));
    const auto hops = first_hops(graph, spf);
    EXPECT_THAT(hops[2], ElementsAre(0U, 4U));
    EXPECT_THAT(hops[1], ElementsAre(0U));
    EXPECT_EQ(spf.order.front(), 0U);
}

TEST(Spf, CutTakesLinksAndNodesOut) {
    const auto graph = kDiamond.graph();
    Cut cut{.nodes = std::vector<bool>(4), .links = std::vector<bool>(5)};
    cut.nodes[3] = true;
    cut.links[1] = true;
    EXPECT_THAT(spf_from(graph, 0, cut).distance, ElementsAre(0U, 1U, 4U, kUnreachable));
}

TEST(Spf, DirectionsHaveTheirOwnMetrics) {
    const auto graph = Sketch{{"A B 1/7", "B C 2/9"}}.graph();
    EXPECT_THAT(spf_from(graph, 0).distance, ElementsAre(0U, 1U, 3U));
    EXPECT_THAT(spf_to(graph, 0).distance, ElementsAre(0U, 7U, 16U));
}

TEST(Spf, OverloadedNodeIsADestinationButNoTransit) {
    const auto graph = Sketch{{"A B 1", "B C 1", "A C 9"}, {"B"}}.graph();
    EXPECT_THAT(spf_from(graph, 0).distance, ElementsAre(0U, 1U, 9U));
    EXPECT_THAT(spf_from(graph, 1).distance, ElementsAre(1U, 0U, 1U)) << "it may send";
    EXPECT_THAT(spf_to(graph, 2).distance, ElementsAre(9U, 1U, 0U));
}

}  // namespace
}  // namespace sidestep::routing
