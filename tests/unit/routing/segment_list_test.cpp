// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From segments to SIDs, policies and bypasses.
#include "routing/core/segment_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/csid.hpp"
#include "routing/core/policy.hpp"
#include "routing/core/sids.hpp"
#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts(const std::vector<Address>& addresses) {
    std::vector<std::string> result;
    result.reserve(addresses.size());
    for (const auto& address : addresses) result.push_back(address.to_string());
    return result;
}

/// SIDs, or the reason why there are none.
std::vector<std::string> texts(const Result<std::vector<Address>>& sids) {
    return sids ? texts(*sids) : std::vector{sids.error().message};
}

//    S(1) --- N(2) --- D(3)      nodes with the number in their locator fd00:0:<number>::/48; P-Q is link 5
//     |        |
//    A(4)     Q(6)
//     |        |
//    P(5) -----+ 100
const Sketch kSquare{{"S N 10", "N D 10", "S A 10", "A P 10", "N Q 10", "P Q 100"}};

Repair repair_of(const Graph& graph, std::vector<Segment> segments) {
    Repair repair;
    repair.found = true;
    repair.destination = graph.find_node("D").value();
    repair.segments = std::move(segments);
    return repair;
}

Segment node_segment(const Graph& graph, const std::string& name) {
    return {.kind = Segment::Kind::node, .id = graph.find_node(name).value()};
}

Segment adjacency(const Graph& graph, const std::string& link) {
    return {.kind = Segment::Kind::adjacency, .id = 2 * graph.find_link(link).value()};
}

TEST(SegmentList, NodeAndItsAdjacencyAreOneSid) {
    const auto graph = kSquare.graph();
    const auto repair = repair_of(graph, {node_segment(graph, "P"), adjacency(graph, "P-Q")});
    EXPECT_THAT(texts(repair_sids(graph, repair, {})), ElementsAre("fd00:0:5:1005::", "fd00:0:6:6::"));
    EXPECT_THAT(texts(repair_sids(graph, repair, {.push = Push::insert})), ElementsAre("fd00:0:5:1005::"));
    EXPECT_THAT(texts(tunnel_sids(graph, repair, {})), ElementsAre("fd00:0:5:1005::", "fd00:0:3:6::"));
}

TEST(SegmentList, LastNodeDecapsulates) {
    const auto graph = kSquare.graph();
    const auto repair = repair_of(graph, {node_segment(graph, "A"), node_segment(graph, "P")});
    EXPECT_THAT(texts(repair_sids(graph, repair, {})), ElementsAre("fd00:0:4:1::", "fd00:0:5:6::"));
    EXPECT_THAT(texts(repair_sids(graph, repair, {.push = Push::insert})), ElementsAre("fd00:0:4:1::", "fd00:0:5:1::"));
    EXPECT_THAT(texts(tunnel_sids(graph, repair, {})), ElementsAre("fd00:0:4:1::", "fd00:0:5:1::", "fd00:0:3:6::"));
}

TEST(SegmentList, NoSegmentsNoSids) {
    const auto graph = kSquare.graph();
    EXPECT_THAT(texts(repair_sids(graph, repair_of(graph, {}), {})), IsEmpty());
    EXPECT_THAT(texts(tunnel_sids(graph, repair_of(graph, {}), {})), ElementsAre("fd00:0:3:6::"));
}

TEST(SegmentList, DepthIsRespectedAndReported) {
    const auto graph = kSquare.graph();
    const auto repair = repair_of(graph, {node_segment(graph, "P"), adjacency(graph, "P-Q")});
    EXPECT_THAT(texts(repair_sids(graph, repair, {.max_depth = 1})),
                ElementsAre("needs 2 SIDs, but the maximum SID depth is 1"));
    EXPECT_THAT(texts(repair_sids(graph, repair, {.max_depth = 1, .next_csid = true})),
                ElementsAre("fd00:0:5:1005:6:6::"))
        << "one container holds both";
}

TEST(SegmentList, AllOrNothing) {
    Graph graph;
    graph.add_node({.name = "S", .locator = Prefix::parse("fd00:0:1::/48")});
    graph.add_node({.name = "X"});
    graph.add_node({.name = "D", .locator = Prefix::parse("fd00:0:3::/48")});
    Link link;
    link.id = "S-D";
    link.ends = {0, 2};
    link.metrics = {1, 1};
    graph.add_link(link);
    graph.freeze();
    EXPECT_THAT(texts(repair_sids(graph, repair_of(graph, {node_segment(graph, "S"), node_segment(graph, "X")}), {})),
                ElementsAre("X has no locator"));
    EXPECT_THAT(texts(repair_sids(graph, repair_of(graph, {adjacency(graph, "S-D")}), {})),
                ElementsAre("link S-D has no End.X function number"));
}

TEST(Sids, PlanSurvivesOddLocatorLengths) {
    EXPECT_EQ(sid(Prefix::parse("fd00:a000::/36").value(), 0x1234).to_string(), "fd00:a000:123:4000::");
    EXPECT_EQ(sid(Prefix::parse("fd00::/112").value(), 0xffff).to_string(), "fd00::ffff");
    EXPECT_EQ(neighbor_function(Prefix::parse("fd00:0:12::/48").value()), 0x8012);
    EXPECT_EQ(neighbor_function(Prefix::parse("fd00:0:8012::/48").value()), std::nullopt);
    EXPECT_EQ(link_function(0x6fff), 0x7fff);
    EXPECT_EQ(link_function(0x7000), std::nullopt);
}

TEST(Csid, ContainersAreFilledAndLeftAtBlockBorders) {
    const auto end = [](const char* locator) {
        return Sid{.locator = Prefix::parse(locator).value(), .function = kFunctionEnd};
    };
    std::vector<Sid> sids;
    for (const auto* locator : {"fd00:0:a::/48", "fd00:0:b::/48", "fd00:0:c::/48", "fd00:0:d::/48", "fd00:0:e::/48",
                                "fd00:0:f::/48", "fd00:0:10::/48", "fd01:0:1::/48", "fd01:0:2::/48", "fd02::/40"}) {
        sids.push_back(end(locator));
    }
    EXPECT_THAT(texts(compress(sids)),
                ElementsAre("fd00:0:a:b:c:d:e:f", "fd00:0:10:1::", "fd01:0:1:2::", "fd02:0:0:100::"));
}

TEST(Policy, CandidatesAreOrderedAndBypassesEndAtTheNeighbor) {
    const auto graph = kSquare.graph();
    const auto result = compute_policies(graph, 0, Protect::node, {});
    EXPECT_THAT(result.warnings, IsEmpty());
    const auto found = std::find_if(result.policies.begin(), result.policies.end(),
                                    [](const Policy& policy) { return policy.destination == 2; });
    ASSERT_NE(found, result.policies.end());
    ASSERT_EQ(found->candidates.size(), 2U);
    EXPECT_EQ(found->candidates[0], (Candidate{.out = 0, .sids = {}, .against = std::nullopt}));
    EXPECT_EQ(found->candidates[1].out, 4U);
    EXPECT_THAT(texts(found->candidates[1].sids), ElementsAre("fd00:0:5:1005::", "fd00:0:6:6::"));
    EXPECT_EQ(describe(graph, found->candidates[1].against.value()), "link S-N") << "N is the only way to D";
    EXPECT_EQ(found->prefixes.front().to_string(), "fd00:0:3::/48");
    ASSERT_EQ(result.bypasses.size(), 2U);
    EXPECT_EQ(result.bypasses[0].around, 0U);
    EXPECT_THAT(texts(result.bypasses[0].candidate.sids), ElementsAre("fd00:0:5:1005::", "fd00:0:2:6::"));
}

}  // namespace
}  // namespace sidestep::routing
