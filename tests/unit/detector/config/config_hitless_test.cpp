// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests hitless policies and merging SIDs, and the exact complaint about each bad one.
#include <chrono>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;

const std::string kLists =
    "[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, encap: h.encaps.red, segments: "
    "['fd00:c::', 'fd00:d:0:7::']}]}]";

/// The policy is on line 8.
std::string hitless(const std::string& candidates = kLists, const std::string& keys = "protection: hitless, flow: 7") {
    return "- {name: to-D, prefixes: [], " + keys + ", candidates: " + candidates + "}";
}

/// SIDs begin on line 13.
std::string sids(const std::string& list) {
    return "device: sr0\nsr-domain: ['fd00::/16']\nsids:\n" + list;
}

TEST(ConfigHitless, APolicyHasAFlow) {
    Parts parts;
    parts.policy = hitless();
    parts.more = "device: sr0";
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.policies.at(0).flow, 7U);
    parts.policy = hitless("[{adjacency: A-B}]", "protection: fast-reroute");
    EXPECT_EQ(read_good(parts.text()).policies.at(0).flow, 0U);
}

// A node SID of the merging node keeps the destination the same up to there (docs/hitless.md).
TEST(ConfigHitless, BothListsMayGoByTheMergingNode) {
    Parts parts;
    parts.policy = hitless(
        "[{lists: [{adjacency: A-B, segments: ['fd00:d:0:1::', 'fd00:d:0:7::']}, {adjacency: A-C, segments: "
        "['fd00:c::', 'fd00:d:0:1::', 'fd00:d:0:7::']}]}]");
    parts.more = "device: sr0";
    EXPECT_EQ(read_good(parts.text()).policies.at(0).flow, 7U);
}

/// The configurations in a page: its indented blocks that begin with `node`.
std::vector<std::string> nodes_in(const std::string& page) {
    std::vector<std::string> blocks;
    std::istringstream lines(page);
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("    node:")) blocks.emplace_back();
        inside = line.starts_with("    ") && (inside || line.starts_with("    node:"));
        if (inside) blocks.back() += line.substr(4) + "\n";
    }
    return blocks;
}

TEST(ConfigHitless, ThePagesNodesAreGood) {
    const auto nodes = nodes_in(read_file(SIDESTEP_SOURCE_DIR "/docs/hitless.md").value());
    ASSERT_EQ(nodes.size(), 2U);
    EXPECT_EQ(read_good(nodes[0]).policies.at(0).flow, 7U);
    EXPECT_EQ(read_good(nodes[1]).sids.at(1).flows, std::vector{7U});
}

TEST(ConfigHitless, AMergingSidHasFlows) {
    Parts parts;
    parts.more = sids(
        "- {sid: 'fd00:a:0:7::', behavior: end.dt46, flows: [7, 8]}\n"
        "- {sid: 'fd00:a:0:9::/64', behavior: end.dt6, flows: [9], window: 4096, reset: 100ms}\n");
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.sids.at(0).sid, Prefix::parse("fd00:a:0:7::/64"));
    EXPECT_THAT(config.sids.at(0).flows, ElementsAre(7U, 8U));
    EXPECT_EQ(config.sids.at(0).window, 65536U);
    EXPECT_EQ(config.sids.at(0).reset, std::chrono::seconds(2));
    EXPECT_EQ(config.sids.at(1).window, 4096U);
    EXPECT_EQ(config.sids.at(1).reset, std::chrono::milliseconds(100));
}

class BadHitless : public testing::TestWithParam<BadCase> {};

TEST_P(BadHitless, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::function<void(Parts&)> with_policy(const std::string& policy, const std::string& more = "device: sr0") {
    return [=](Parts& parts) {
        parts.policy = policy;
        parts.more = more;
    };
}

std::string with_path(const std::string& adjacency) {
    return "device: sr0\npaths: [{name: P, adjacency: " + adjacency +
           ", segments: ['fd00:d:0:6::'], probe: {return-address: 'fd00:ab::1'}}]";
}

std::function<void(Parts&)> with_sids(const std::string& list) {
    return [=](Parts& parts) { parts.more = sids(list); };
}

std::vector<BadCase> bad_policies() {
    return {
        {"NoFlow", with_policy(hitless(kLists, "protection: hitless")), {"f:8:3: policies[0].flow: missing"}},
        {"FlowWithoutHitless",
         with_policy(hitless("[{adjacency: A-B}]", "flow: 7")),
         {"f:8:36: policies[0].flow: is for protection: hitless"}},
        {"OneList",
         with_policy(hitless("[{adjacency: A-B, segments: ['fd00:d:0:7::']}]")),
         {"f:8:72: policies[0].candidates: the first candidate of a hitless policy needs two lists at least"}},
        {"Plain",
         with_policy(hitless("[{lists: [{adjacency: A-B}, {adjacency: A-C, segments: ['fd00:d:0:7::']}]}]")),
         {"f:8:82: policies[0].candidates[0].lists[0]: a hitless policy needs h.encaps or h.encaps.red: the last "
          "SID tells the copies apart"}},
        {"NoRoomForTheArgument",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, segments: "
                             "['fd00:d:0:7::1']}]}]")),
         {"f:8:155: policies[0].candidates[0].lists[1].segments: the argument does not fit into the last SID, "
          "fd00:d:0:7::1: flow and number take its last 64 bits, which must be zero"}},
        {"OneLink",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-B, segments: "
                             "['fd00:c::', 'fd00:d:0:7::']}]}]")),
         {"f:8:140: policies[0].candidates[0].lists[1].adjacency: two lists of a hitless candidate share the link at "
          "to-B"}},
        {"OneNode",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:c::', 'fd00:d:0:7::']}, {adjacency: A-C, "
                             "segments: ['fd00:c::', 'fd00:d:0:7::']}]}]")),
         {"f:8:167: policies[0].candidates[0].lists[1].segments: two lists of a hitless candidate share the segment "
          "fd00:c::"}},
        {"TwoEnds",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, segments: "
                             "['fd00:d:0:8::']}]}]")),
         {"f:8:155: policies[0].candidates[0].lists[1].segments: the copies never meet: another list of the candidate "
          "ends at fd00:d:0:7::"}},
        {"OneSession",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::'], sessions: [P]}, {adjacency: A-C, "
                             "segments: ['fd00:d:0:7::'], sessions: [P]}]}]"),
                     with_path("A-B")),
         {"f:8:198: policies[0].candidates[0].lists[1].sessions: two lists of a hitless candidate depend on the "
          "session 'P': one cut would take both lists"}},
        {"APathByTheOtherLink",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, segments: "
                             "['fd00:d:0:7::'], sessions: [P]}]}]"),
                     with_path("A-B")),
         {"f:8:183: policies[0].candidates[0].lists[1].sessions: path 'P' leaves by A-B, as another list of the "
          "candidate does: one cut would take both lists"}},
        {"APathOfTheOtherListByThisLink",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::'], sessions: [P]}, {adjacency: A-C, "
                             "segments: ['fd00:d:0:7::']}]}]"),
                     with_path("A-C")),
         {"f:8:143: policies[0].candidates[0].lists[1]: another list of the candidate depends on path 'P', which "
          "leaves by A-C, too: one cut would take both lists"}},
        {"ALowerCandidateToAnOrdinarySid",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, segments: "
                             "['fd00:d:0:7::']}]}, {adjacency: A-C, segments: ['fd00:c::', 'fd00:d:0:6::']}]")),
         {"f:8:203: policies[0].candidates[1].segments: ends at fd00:d:0:6::, others of the policy at fd00:d:0:7::: "
          "its packets are copies, too, and only a SID that merges the flow takes them, of which a node has one"}},
        {"UnequalMtu",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::'], mtu: 1400}, {adjacency: A-C, "
                             "segments: ['fd00:d:0:7::']}]}]")),
         {"f:8:139: policies[0].candidates[0].lists[1]: the lists of a hitless candidate have unequal mtu: 1400 and "
          "that of A-C's interface"}},
        {"MtuOfOneList",
         with_policy(hitless("[{lists: [{adjacency: A-B, segments: ['fd00:d:0:7::']}, {adjacency: A-C, segments: "
                             "['fd00:d:0:7::'], mtu: 1400}]}]")),
         {"f:8:178: policies[0].candidates[0].lists[1].mtu: the lists of a hitless candidate have unequal mtu: that of "
          "A-B's interface and 1400"}},
    };
}

std::vector<BadCase> bad_sids() {
    return {
        {"NoPowerOfTwo",
         with_sids("- {sid: 'fd00:a:0:7::', behavior: end.dt46, flows: [7], window: 1000}"),
         {"f:13:65: sids[0].window: must be a power of two"}},
        {"OneFlowTwice",
         with_sids("- {sid: 'fd00:a:0:7::', behavior: end.dt46, flows: [7]}\n"
                   "- {sid: 'fd00:a:0:8::', behavior: end.dt46, flows: [7]}"),
         {"f:14:53: sids[1].flows[0]: '7' is already given on line 13"}},
        {"OneFlowTwiceWithLengths",
         with_sids("- {sid: 'fd00:a:0:7::/64', behavior: end.dt46, flows: [7]}\n"
                   "- {sid: 'fd00:a:0:8::/64', behavior: end.dt46, flows: [7]}"),
         {"f:14:56: sids[1].flows[0]: '7' is already given on line 13"}},
        {"NoFlows",
         with_sids("- {sid: 'fd00:a:0:7::/64', behavior: end.dt46, flows: []}"),
         {"f:13:55: sids[0].flows: must hold 1 to 1023 entries, not 0"}},
        {"MergingEndWithLength",
         with_sids("- {sid: 'fd00:a:0:7::/64', behavior: end, flows: [7]}"),
         {"f:13:50: sids[0].flows: are for end.dt4, end.dt6 and end.dt46, not for end"}},
        {"ASidInTheArgument",
         with_sids("- {sid: 'fd00:a:0:7::', behavior: end.dt46}\n"
                   "- {sid: 'fd00:a:0:7::/64', behavior: end.dt46, flows: [7]}\n"
                   "- {sid: 'fd00:a:0:7:1::', behavior: end.dt46}\n"
                   "- {sid: 'fd00:a:0:8::', behavior: end.dt46}"),
         {"f:13:9: sids[0].sid: is within fd00:a:0:7::/64 of line 14, whose last 64 bits are the numbers of copies",
          "f:15:9: sids[2].sid: is within fd00:a:0:7::/64 of line 14, whose last 64 bits are the numbers of copies"}},
        {"NoRoomForTheArgument",
         with_sids("- {sid: 'fd00:a::7', behavior: end.dt46, flows: [7]}"),
         {"f:13:9: sids[0].sid: the argument does not fit: a merging SID ends after 64 bits"}},
        {"AnotherLength",
         with_sids("- {sid: 'fd00:a::/48', behavior: end.dt46, flows: [7]}"),
         {"f:13:9: sids[0].sid: must have length 64: the rest of a merging SID is the argument"}},
        {"MergingEnd",
         with_sids("- {sid: 'fd00:a:0:7::', behavior: end, flows: [7]}"),
         {"f:13:47: sids[0].flows: are for end.dt4, end.dt6 and end.dt46, not for end"}},
        {"WindowWithoutFlows",
         with_sids("- {sid: 'fd00:a:0:7::', behavior: end.dt46, window: 64}"),
         {"f:13:53: sids[0].window: is for a SID with `flows`"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Policies, BadHitless, testing::ValuesIn(bad_policies()), name_of);
INSTANTIATE_TEST_SUITE_P(Sids, BadHitless, testing::ValuesIn(bad_sids()), name_of);

}  // namespace
}  // namespace sidestep
