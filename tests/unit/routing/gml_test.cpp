// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// GML: what is made up for a network, and errors with their line.
#include "routing/io/gml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep::routing {
namespace {

using testing::ElementsAre;

std::string gml_error(const std::string& text) {
    const auto topology = parse_gml(text, "f");
    return topology ? "none" : topology.error().message;
}

TEST(Gml, MakesUpMetricsNamesAndLocators) {
    const auto topology = parse_gml(R"(Creator "someone"
graph [
  # a comment
  label "Net"
  node [ id 7 label "Paris" Latitude 48.85 Longitude 2.35 graphics [ x 1 ] ]
  node [ id 8 label "London" Latitude 51.51 Longitude -0.13 ]
  node [ id 9 label "London" ]
  edge [ source 7 target 8 ]
  edge [ source 8 target 7 ]
  edge [ source 7 target 9 ]
  edge [ source 7 target 9 ]
  edge [ source 9 target 9 ]
]
)",
                                    "f");
    ASSERT_TRUE(topology) << topology.error().message;
    const auto& graph = topology->graph;
    ASSERT_EQ(graph.node_count(), 3U);
    EXPECT_EQ(graph.node(2).name, "London#9");
    EXPECT_EQ(graph.node(1).locator->to_string(), "fd00:0:2::/48");
    ASSERT_EQ(graph.link_count(), 4U);
    EXPECT_EQ(graph.link(0).id, "Paris-London");
    EXPECT_NEAR(graph.link(0).metrics[0], 344, 2) << "kilometres";
    EXPECT_EQ(graph.link(2).metrics[1], 100U) << "no coordinates";
    EXPECT_EQ(graph.link(3).id, "Paris-London#9.2");
    EXPECT_THAT(topology->warnings, ElementsAre("line 12: London#9 is linked to itself: left out"));
}

TEST(Gml, ErrorsNameTheLine) {
    EXPECT_EQ(gml_error(""), "f: no graph");
    EXPECT_EQ(gml_error("graph [\n]"), "f: no nodes");
    EXPECT_EQ(gml_error("graph [\n node [ id 1 ]"), "f:2: missing ']'");
    EXPECT_EQ(gml_error("graph [\n]\n]"), "f:3: unexpected ']'");
    EXPECT_EQ(gml_error("graph [\n node [ label \"x\" ]\n]"), "f:2: a node has no id");
    EXPECT_EQ(gml_error("graph [\n node [ id 1 ]\n edge [ source 1\n target 2 ] ]"), "f:3: there is no node 2");
    EXPECT_EQ(gml_error("graph [\n node [ id 1 ]\n node [ id 1 ] ]"), "f:3: node 1 is given twice");
    EXPECT_EQ(gml_error("graph [\n \"x\" 1 ]"), "f:2: expected a key, not \"x\"");
    EXPECT_EQ(gml_error("graph [ node ]"), "f:1: node has no value");
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "a [ ";
    EXPECT_EQ(gml_error(deep), "f:1: lists are nested too deeply");
    EXPECT_EQ(gml_error("graph [ label \"never closed ]"), "f:1: missing ']'");
}

}  // namespace
}  // namespace sidestep::routing
