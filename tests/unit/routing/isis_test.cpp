// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// IS-IS databases as FRR printed them (tests/data/isis), and what becomes of broken ones.
#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.hpp"
#include "routing/core/isis_database.hpp"
#include "routing/core/isis_graph.hpp"
#include "routing/core/sids.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string data(const std::string& name) {
    return read_file(std::string(SIDESTEP_SOURCE_DIR) + "/tests/data/isis/" + name + ".txt").value();
}

IsisGraph graph_from(const std::string& text) {
    const auto database = parse_isis_database(text);
    EXPECT_TRUE(database) << database.error().message;
    return graph_of(database.value(), {.block = Prefix::parse("fd00::/32").value(), .length = 48});
}

/// "r1-r2 10/10" of each link.
std::vector<std::string> links(const Graph& graph) {
    std::vector<std::string> result;
    for (const auto& link : graph.links()) {
        result.push_back(fmt::format("{} {}/{}", link.id, link.metrics[0], link.metrics[1]));
    }
    return result;
}

std::string error_of(const std::string& text) {
    const auto database = parse_isis_database(text);
    return database ? "none" : database.error().message;
}

/// `text` with the first `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Isis, ReadsARing) {
    const auto database = parse_isis_database(data("ring"));
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_EQ(database->level, 2);
    EXPECT_EQ(database->self, "0000.0000.0001");
    ASSERT_EQ(database->nodes.size(), 4U);
    const auto& r4 = database->nodes[3];
    EXPECT_EQ(r4.name, "r4");
    EXPECT_EQ(r4.prefixes.size(), 6U) << "both fragments";
    EXPECT_TRUE(database->nodes[2].overload);

    const auto [graph, self, warnings] = graph_from(data("ring"));
    EXPECT_THAT(warnings, ElementsAre());
    EXPECT_EQ(self, 0U);
    EXPECT_THAT(links(graph),
                UnorderedElementsAre("r1-r2 10/10", "r1-r2.2 30/30", "r2-r3 15/15", "r3-r4 12/10", "r1-r4 10/10"));
    EXPECT_EQ(graph.node(0).locator->to_string(), "fd00:0:1::/48");
    EXPECT_EQ(graph.node(0).loopback->to_string(), "fd00:0:1::1");
    EXPECT_FALSE(graph.transit(2));
    std::vector<std::string> sids;
    for (const auto& local : local_sids(graph, 0)) sids.push_back(local.sid.to_string());
    EXPECT_THAT(
        sids, UnorderedElementsAre("fd00:0:1:1::", "fd00:0:1:6::", "fd00:0:1:8002::", "fd00:0:1:8004::", "fd00:0:1::"))
        << "one End.X for both links to r2";
}

TEST(Isis, SidsDoNotMoveWhenALinkIsLost) {
    const auto [graph, self, warnings] = graph_from(data("after-cut"));
    EXPECT_THAT(warnings, ElementsAre());
    EXPECT_THAT(links(graph), UnorderedElementsAre("r1-r2 10/10", "r1-r2.2 30/30", "r3-r4 12/10", "r1-r4 10/10"));
    EXPECT_EQ(graph.link(graph.find_link("r3-r4").value()).functions[0], 0x8004);
}

TEST(Isis, ReadsMultiTopologyLongNamesAndLans) {
    const auto [graph, self, warnings] = graph_from(data("lan"));
    EXPECT_THAT(links(graph), testing::Contains("a-very-long-router-name-two-a-very-long-router-name-three.2 15/15"));
    EXPECT_EQ(graph.link_count(), 5U + 6U) << "the LAN joins four routers pairwise";
    EXPECT_TRUE(graph.find_node("r4"));
    EXPECT_THAT(warnings, testing::Each(HasSubstr("announces no locator")));
}

TEST(Isis, HalfReadOrChangingDatabasesAreRefused) {
    const auto text = data("ring");
    EXPECT_EQ(error_of(""), "no IS-IS database in the output of isisd: is an IS-IS area configured?");
    EXPECT_EQ(error_of(text.substr(0, text.find("    5 LSPs"))), "the IS-IS database ends before its count of LSPs");
    EXPECT_EQ(error_of(replaced(text, "    5 LSPs", "    6 LSPs")), "the IS-IS database announces 6 LSPs but shows 5");
    EXPECT_EQ(error_of(replaced(text, "2      0000.0000.0003 r3\n", "")), "the system ID of r3 is not known yet");
    EXPECT_EQ(error_of(replaced(text, "0000.0000.0003 r3", "0000.0000.0003 r2")), "2 routers are called r2");
    EXPECT_EQ(error_of("Area core:\nIS-IS Level-2 link-state database:\n    0 LSPs\n"),
              "the IS-IS database is empty: is the area up?");
}

TEST(Isis, NeverFailsOnCutOffText) {
    for (const auto* name : {"ring", "lan"}) {
        const auto text = data(name);
        for (std::size_t length = 0; length < text.size(); length += 7) {
            (void)parse_isis_database(text.substr(0, length));
            (void)parse_isis_database(text.substr(length));
        }
    }
}

TEST(Isis, OneSidedLinksAreLeftOut) {
    const auto text = replaced(data("ring"), "  Extended Reachability: 0000.0000.0003.00 (Metric: 15)\n", "");
    const auto [graph, self, warnings] = graph_from(text);
    EXPECT_FALSE(graph.find_link("r2-r3"));
    EXPECT_THAT(warnings, ElementsAre("r3 reports 1 more link(s) to r2 than r2 does: left out"));
}

TEST(Isis, PurgedAndHeadlessLspsCountForNothing) {
    const auto purged = graph_from(replaced(data("ring"), "1156    0/0/1", "(58)    0/0/1"));
    EXPECT_FALSE(purged.graph.find_node("r3"));
    EXPECT_FALSE(purged.warnings.empty());
}

TEST(Isis, NeighborsOfOneNumberGetNoAdjacencySegment) {
    auto text = data("ring");
    text = replaced(text, "fd00:0:4::/48", "fd00:0:9::/48");
    const auto fine = graph_from(text);
    EXPECT_THAT(fine.warnings, ElementsAre());
    const auto [graph, self, warnings] =
        graph_of(parse_isis_database(replaced(text, "fd00:0:9::/48", "fd00:1:2::/48")).value(),
                 {.block = Prefix::parse("fd00::/16").value(), .length = 48});
    EXPECT_THAT(warnings, ElementsAre("two neighbors of r1 share the End.X number 0x8002: no adjacency segments to "
                                      "them",
                                      "two neighbors of r3 share the End.X number 0x8002: no adjacency segments to "
                                      "them"));
}

}  // namespace
}  // namespace sidestep::routing
