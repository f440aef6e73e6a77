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
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

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

// r1 has a LAN and links of its own to r2 and r4.
TEST(Isis, RepairsOfALanLeaveByAnotherPort) {
    const auto graph = graph_from(data("lan")).graph;
    const auto in_lan = [&](LinkId link) { return graph.link(link).srlgs == std::vector{kFirstLan}; };
    std::size_t links = 0;
    for (LinkId link = 0; link < graph.link_count(); ++link) links += in_lan(link) ? 1 : 0;
    EXPECT_EQ(links, 6U);
    std::size_t repairs = 0;
    for (const auto protect : {Protect::link, Protect::node}) {
        for (const auto& repair : compute_repairs(graph, 0, protect)) {
            if (repair.failed.kind != Failure::Kind::srlg) continue;
            ++repairs;
            EXPECT_EQ(describe(graph, repair.failed), "LAN 1");
            EXPECT_TRUE(repair.found) << repair.reason;
            for (const auto arc : repair.path) EXPECT_FALSE(in_lan(link_of(arc)));
        }
    }
    EXPECT_GE(repairs, 4U);
}

TEST(Isis, HalfReadOrChangingDatabasesAreRefused) {
    const auto text = data("ring");
    EXPECT_EQ(error_of(""), "no IS-IS database in the output of isisd: is an IS-IS area configured?");
    EXPECT_EQ(error_of(text.substr(0, text.find("    5 LSPs"))), "the IS-IS database ends before its count of LSPs");
    EXPECT_EQ(error_of(replaced(text, "    5 LSPs", "    6 LSPs")), "the IS-IS database announces 6 LSPs but shows 5");
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

TEST(Isis, ARouterWithoutSystemIdCostsItsOwnPartOnly) {
    const auto [graph, self, warnings] = graph_from(replaced(data("ring"), "2      0000.0000.0003 r3\n", ""));
    EXPECT_FALSE(graph.find_node("r3"));
    EXPECT_TRUE(graph.find_link("r1-r4"));
    EXPECT_THAT(warnings, testing::Contains("the system ID of r3 is not known yet: left out"));
}

TEST(Isis, RoutersOfOneNameAreToldApartByTheirOrder) {
    auto text = replaced(data("ring"), "0000.0000.0003 r3", "0000.0000.0003 r2");
    text = replaced(text, "r3.00-00 ", "r2.00-00 ");
    const auto [graph, self, warnings] = graph_from(text);
    EXPECT_THAT(warnings, ElementsAre());
    EXPECT_EQ(graph.node(graph.find_node("r2").value()).locator->to_string(), "fd00:0:2::/48");
    EXPECT_EQ(graph.node(graph.find_node("0000.0000.0003").value()).locator->to_string(), "fd00:0:3::/48");
    EXPECT_TRUE(graph.find_link("r2-0000.0000.0003"));
}

TEST(Isis, NamesOfRoutersThatAreGoneDoNotCount) {
    const auto text =
        replaced(data("ring"), "2      0000.0000.0003 r3\n", "2      0000.0000.0003 r3\n2      0000.0000.0007 r3\n");
    const auto [graph, self, warnings] = graph_from(text);
    EXPECT_THAT(warnings, ElementsAre());
    EXPECT_TRUE(graph.find_link("r2-r3"));
}

TEST(Isis, RoutersOfOneNameThatNothingTellsApartAreLeftOut) {
    // r4's name is that of r3, too, but only one LSP shows it.
    const auto [graph, self, warnings] = graph_from(replaced(data("ring"), "0000.0000.0004 r4", "0000.0000.0004 r3"));
    EXPECT_THAT(warnings, testing::IsSupersetOf(
                              {"1 LSPs of routers called r3, which 2 systems are called: left out; give each its "
                               "own host name",
                               "the system ID of r4 is not known yet: left out"}));
    EXPECT_TRUE(graph.find_link("r1-r2"));
}

TEST(Isis, ReadsTheAreaThatIsAskedFor) {
    const auto text = data("ring");
    EXPECT_TRUE(parse_isis_database(text, {.area = "core"}));
    const auto other = parse_isis_database(text, {.area = "edge"});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().message, "the IS-IS database has nothing of area edge: is that its tag?");
}

/// The first arc of the shortest path from `node` to a prefix, as "r1-r2".
std::string way_to(const Graph& graph, const std::string& node, const std::string& prefix) {
    const auto destination = graph.find_destination(prefix);
    if (!destination) return "nowhere";
    const auto from = graph.find_node(node).value();
    const auto arcs = first_hops(graph, spf_from(graph, from)).at(*destination);
    return arcs.empty() ? "nowhere" : graph.node(graph.to(arcs.front())).name;
}

struct TwoOwners {
    const char* name;
    const char* at_r2;  ///< how r2 announces 2001:db8:77::/48
    const char* at_r4;
    const char* way;  ///< from r1, which is a neighbor of both
    bool shared;      ///< both are destinations

    friend void PrintTo(const TwoOwners& it, std::ostream* out) { *out << it.name; }
};

class IsisPrefixes : public testing::TestWithParam<TwoOwners> {};

TEST_P(IsisPrefixes, GoToTheOwnerThatTheirMetricsSay) {
    const auto announce = [](const std::string& how) {
        return "\n  IPv6 Reachability: 2001:db8:77::/48 (Metric: " + how;
    };
    auto text = data("ring");
    for (const auto& [node, how] : {std::pair("2", GetParam().at_r2), std::pair("4", GetParam().at_r4)}) {
        const auto after = fmt::format("  IPv6 Reachability: fd00:0:{}::/48 (Metric: 10)", node);
        text = replaced(text, after, after + announce(how));
    }
    const auto graph = graph_from(text).graph;
    EXPECT_EQ(way_to(graph, "r1", "2001:db8:77::1"), GetParam().way);
    EXPECT_EQ(graph.find_node("2001:db8:77::/48").has_value(), GetParam().shared);
}

INSTANTIATE_TEST_SUITE_P(, IsisPrefixes,
                         testing::ValuesIn(std::vector<TwoOwners>{
                             {"DualHomed", "1000)", "10)", "r4", true},
                             {"TheOtherWay", "10)", "1000)", "r2", true},
                             {"Redistributed", "1000) External", "10) External", "r4", true},
                             {"LeakedDown", "10) Down", "1000)", "r4", false},
                             {"BothLeakedDown", "10) Down", "1000) Down", "r2", true},
                             {"NotForSpf", "4278190081)", "4261412864)", "r4", false},
                         }),
                         [](const auto& test) { return test.param.name; });

TEST(Isis, ALeakedLocatorStaysThatOfItsRouter) {
    const auto after = std::string("  IPv6 Reachability: fd00:0:1::/48 (Metric: 10)");
    const auto [graph, self, warnings] =
        graph_from(replaced(data("ring"), after, "  IPv6 Reachability: fd00:0:4::/48 (Metric: 40)\n" + after));
    EXPECT_EQ(graph.node(graph.find_node("r4").value()).locator->to_string(), "fd00:0:4::/48");
    EXPECT_EQ(graph.node(graph.find_node("r1").value()).locator->to_string(), "fd00:0:1::/48");
    EXPECT_THAT(warnings, ElementsAre("r1 announces the locator of another router: ignored"));
}

const char* const kAdjacencies = R"(Area core:
 r2                  
    Interface: eth7, Level: 2, State: Up, Expires in 27s
    Adjacency flaps: 1, Last: 11s ago
    Circuit type: L2, Speaks: IPv6
    SNPA: 2020.2020.2020

 r2                  
    Interface: eth1, Level: 2, State: Up, Expires in 27s
    SNPA: 2020.2020.2020

 r4                  
    Interface: eth3, Level: 2, State: Initializing, Expires in 27s

Area core:
  Interface: lo, State: Up, Passive, Circuit Id: 0x0
    Level-2 Information:
      Metric: 10

  Interface: eth1, State: Up, Active, Circuit Id: 0x0
    Level-1 Information:
      Metric: 99, Active neighbors: 1
    Level-2 Information:
      Metric: 30, Active neighbors: 1
      Hello interval: 3, Holddown count: 10 (pad)

  Interface: eth7, State: Up, Active, Circuit Id: 0x0
    Level-2 Information:
      Metric: 10, Active neighbors: 1
)";

TEST(IsisAdjacencies, AreThoseOfTheLevelThatAreUp) {
    EXPECT_THAT(parse_isis_adjacencies(kAdjacencies),
                ElementsAre(IsisAdjacency{.neighbor = "r2", .interface = "eth7", .metric = 10},
                            IsisAdjacency{.neighbor = "r2", .interface = "eth1", .metric = 30}));
    EXPECT_THAT(parse_isis_adjacencies(kAdjacencies, 1), ElementsAre());
    EXPECT_THAT(parse_isis_adjacencies(data("ring")), ElementsAre());
}

/// The interfaces of r1's links to r2, with the links' IDs.
std::vector<std::string> named(IsisDatabase database, const std::string& adjacencies) {
    database.adjacencies = parse_isis_adjacencies(adjacencies);
    const auto graph = graph_of(database, {.block = Prefix::parse("fd00::/32").value(), .length = 48}).graph;
    std::vector<std::string> result;
    for (const auto& link : graph.links()) {
        if (link.id.starts_with("r1-r2")) result.push_back(link.id + " " + link.interfaces[0]);
    }
    return result;
}

TEST(IsisAdjacencies, NameTheInterfacesOfParallelLinks) {
    auto database = parse_isis_database(data("ring")).value();
    EXPECT_THAT(named(database, kAdjacencies), ElementsAre("r1-r2 eth7", "r1-r2.2 eth1"));
    // The one of metric 10 fails: the other is the first now, and known by its interface.
    for (auto& node : database.nodes) {
        std::erase_if(node.neighbors, [&](const IsisNeighbor& neighbor) {
            const bool between = node.name == "r1" ? neighbor.id.system == "0000.0000.0002"
                                                   : node.name == "r2" && neighbor.id.system == "0000.0000.0001";
            return between && neighbor.metric == 10;
        });
    }
    const auto one = replaced(kAdjacencies, "eth7, Level: 2, State: Up", "eth7, Level: 2, State: Down");
    EXPECT_THAT(named(database, one), ElementsAre("r1-r2 eth1"));
    EXPECT_THAT(named(database, replaced(kAdjacencies, "Metric: 30", "Metric: 31")), ElementsAre("r1-r2 "))
        << "not what the database says";
}

}  // namespace
}  // namespace sidestep::routing
