// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The topology file: what it may hold, and a complaint at its place for everything it must not hold.
#include "routing/io/topology_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;

constexpr auto kNodes = R"(nodes:
  - {name: A, locator: "fd00:a::/48", loopback: "fd00:a::1", prefixes: ["2001:db8:a::/48"]}
  - {name: B, locator: "fd00:b::/48"}
)";

std::vector<std::string> complaints_about(const std::string& text) {
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(text, complaints);
    EXPECT_EQ(topology.has_value(), complaints.empty());
    std::vector<std::string> lines;
    lines.reserve(complaints.list.size());
    for (const auto& complaint : complaints.list) lines.push_back(complaint.to_string());
    return lines;
}

std::vector<std::string> complaints_about_link(const std::string& link) {
    return complaints_about(std::string(kNodes) + "links:\n  - " + link + "\n");
}

TEST(TopologyFile, ReadsNodesAndLinks) {
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(
        std::string(kNodes) + R"(  - {name: H, kind: host, loopback: "fd00:c::1", prefixes: ["2001:db8:c::/48"]}
  - {name: O, locator: "fd00:d::/48", overload: true}
links:
  - {id: A-B, ends: [A, B], metric: 10, reverse-metric: 20, srlg: [7, 1, 7], subnet: "fd00:ff::/64"}
  - {id: second, ends: [B, A], metric: 5}
  - {id: A-H, ends: [A, H]}
  - {id: A-O, ends: [A, O]}
)",
        complaints);
    ASSERT_TRUE(topology) << complaints.to_string();
    EXPECT_THAT(topology->warnings, ElementsAre());
    const auto& graph = topology->graph;
    ASSERT_EQ(graph.node_count(), 4U);
    EXPECT_TRUE(graph.transit(0));
    EXPECT_FALSE(graph.transit(*graph.find_node("H")));
    EXPECT_FALSE(graph.transit(*graph.find_node("O")));
    const auto& link = graph.link(*graph.find_link("A-B"));
    EXPECT_THAT(link.metrics, ElementsAre(10U, 20U));
    EXPECT_THAT(link.srlgs, ElementsAre(1U, 7U));
    EXPECT_EQ(link.address(0)->to_string(), "fd00:ff::1");
    EXPECT_EQ(link.address(1)->to_string(), "fd00:ff::2");
    EXPECT_THAT(graph.link(*graph.find_link("second")).metrics, ElementsAre(5U, 5U));
    EXPECT_EQ(graph.find_destination("2001:db8:a::7"), 0U);
    EXPECT_EQ(graph.find_destination("fd00:b::"), 1U);
    EXPECT_FALSE(graph.find_destination("2001:db9::1"));
    const auto sids = local_sids(graph, 0);
    std::vector<std::string> texts;
    texts.reserve(sids.size());
    for (const auto& local : sids) texts.push_back(local.sid.to_string());
    EXPECT_THAT(texts, ElementsAre("fd00:a:0:1::", "fd00:a:0:6::", "fd00:a:0:1000::", "fd00:a:0:1001::",
                                   "fd00:a:0:1002::", "fd00:a:0:1003::", "fd00:a::"));
}

TEST(TopologyFile, PrefixOfSeveralNodesIsAnycast) {
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(R"(nodes:
  - {name: A, locator: "fd00:a::/48", prefixes: ["2001:db8::/48", "2001:db8:1::/48"]}
  - {name: B, locator: "fd00:b::/48", prefixes: ["2001:db8::/48"]}
links: [{id: A-B, ends: [A, B]}]
)",
                                         complaints);
    ASSERT_TRUE(topology) << complaints.to_string();
    const auto& graph = topology->graph;
    ASSERT_EQ(graph.node_count(), 3U);
    EXPECT_EQ(graph.node(2).kind, NodeKind::anycast);
    EXPECT_EQ(graph.find_destination("2001:db8::5"), 2U);
    EXPECT_EQ(graph.find_destination("2001:db8:1::5"), 0U);
}

// sidestep-topology(5): a prefix that several nodes have is reached at whichever of them is nearest; hosts too.
TEST(TopologyFile, PrefixOfTwoHostsIsReachedAtTheNearest) {
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(R"(nodes:
  - {name: A, locator: "fd00:a::/48"}
  - {name: B, locator: "fd00:b::/48"}
  - {name: H, kind: host, prefixes: ["2001:db8::/48"]}
  - {name: I, kind: host, prefixes: ["2001:db8::/48"]}
links:
  - {id: A-B, ends: [A, B]}
  - {id: A-H, ends: [A, H]}
  - {id: B-I, ends: [B, I]}
)",
                                         complaints);
    ASSERT_TRUE(topology) << complaints.to_string();
    EXPECT_THAT(topology->warnings, IsEmpty());
    const auto& graph = topology->graph;
    const auto shared = *graph.find_destination("2001:db8::");
    EXPECT_EQ(spf_from(graph, 0).distance[shared], 10U);
    EXPECT_EQ(spf_to(graph, shared).distance[1], 10U);
    EXPECT_EQ(spf_from(graph, *graph.find_node("H")).distance[shared], 0U);
    EXPECT_EQ(spf_from(graph, 0).distance[*graph.find_node("I")], 20U) << "no way leads through H and the prefix";
}

TEST(TopologyFile, ComplainsAboutNodes) {
    EXPECT_THAT(complaints_about("nodes: []\n"), ElementsAre("t:1:8: nodes: must name at least one node"));
    EXPECT_THAT(complaints_about("links: []\n"), ElementsAre("t:1:1: nodes: missing"));
    EXPECT_THAT(complaints_about(R"(nodes:
  - {name: A, locator: "fd00:a::/48", loopback: "fd00::1"}
  - {name: A, locator: "fd00:b::/48", loopback: "fd00::1"}
  - {name: C, locator: "fd00:a::/48", color: red}
  - {name: D, locator: "fd00:a:0:1::/64"}
  - {name: E}
  - {name: F, locator: "fd00:f::1/48"}
  - {name: G, locator: "fd00:7::/120", kind: switch}
)"),
                ElementsAre("t:3:12: nodes[1].name: A is already used by another node",
                            "t:3:49: nodes[1].loopback: fd00::1 is already used by A",
                            "t:4:39: nodes[2].color: unknown key; known: name, kind, locator, loopback, prefixes, "
                            "overload",
                            "t:4:24: nodes[2].locator: fd00:a::/48 is already used by A",
                            "t:5:24: nodes[3].locator: fd00:a:0:1::/64 overlaps fd00:a::/48 of A",
                            "t:6:5: nodes[4].locator: missing",
                            "t:7:24: nodes[5].locator: must be a prefix without host bits, such as 2001:db8::/48 or "
                            "192.0.2.0/24; fd00:f::1 is in \"fd00:f::/48\"",
                            "t:8:46: nodes[6].kind: must be one of: router, host",
                            "t:8:24: nodes[6].locator: must be an IPv6 prefix of 16 to 112 bits"));
}

TEST(TopologyFile, ComplainsOncePerLocatorThatOverlaps) {
    EXPECT_THAT(complaints_about(R"(nodes:
  - {name: A, locator: "fd00:a::/48"}
  - {name: B, locator: "fd00:b::/48"}
  - {name: C, locator: "fd00::/16"}
  - {name: D, locator: "fd00:9::/48"}
  - {name: E, locator: "fd00:b:0:1::/64"}
)"),
                ElementsAre("t:4:24: nodes[2].locator: fd00::/16 overlaps fd00:a::/48 of A",
                            "t:6:24: nodes[4].locator: fd00:b:0:1::/64 overlaps fd00:b::/48 of B"));
}

TEST(TopologyFile, TenThousandNodesAreLinear) {
    std::string text = "nodes:\n";
    for (int i = 0; i < 10'000; ++i) text += fmt::format("  - {{name: n{0}, locator: \"fd00:{0:x}::/48\"}}\n", i);
    text += "links:\n";
    for (int i = 1; i < 10'000; ++i) text += fmt::format("  - {{id: l{0}, ends: [n{1}, n{0}]}}\n", i, i - 1);
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(text, complaints);
    ASSERT_TRUE(topology) << complaints.to_string();
    EXPECT_EQ(topology->graph.link_count(), 9'999U);
    EXPECT_THAT(topology->warnings, ElementsAre());
}

TEST(TopologyFile, ComplainsAboutLinks) {
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A, C], metric: 0}"),
                ElementsAre("t:5:23: links[0].ends[1]: there is no node C",
                            "t:5:35: links[0].metric: must be a whole number from 1 to 16777214"));
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A, B], metric: 1, reverse-metric: -4}"),
                ElementsAre("t:5:54: links[0].reverse-metric: must be a whole number from 1 to 16777214"));
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A]}"),
                ElementsAre("t:5:19: links[0].ends: must name exactly two nodes"));
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A, A]}"),
                ElementsAre("t:5:19: links[0].ends: must name two different nodes"));
    EXPECT_THAT(complaints_about_link("{ends: [A, B]}"), ElementsAre("t:5:5: links[0].id: missing"));
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A, B], subnet: \"fd00::/56\"}"),
                ElementsAre("t:5:35: links[0].subnet: must be an IPv6 prefix of 64 bits"));
    EXPECT_THAT(complaints_about_link("{id: x, ends: [A, B]}\n  - {id: x, ends: [B, A]}"),
                ElementsAre("t:6:10: links[1].id: x is already used by another link"));
}

TEST(TopologyFile, WarnsAboutAnUnreachablePart) {
    Complaints complaints{.file = "t", .list = {}};
    const auto topology = parse_topology(kNodes, complaints);
    ASSERT_TRUE(topology);
    EXPECT_THAT(topology->warnings, ElementsAre("B cannot be reached from A"));
}

}  // namespace
}  // namespace sidestep::routing
