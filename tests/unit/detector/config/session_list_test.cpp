// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which sessions a segment list depends on, and which sessions protect something.
#include "detector/core/session_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Adjacencies A-B and A-C, path P over A-C.
Parts with_path() {
    Parts parts;
    parts.policy = "";
    parts.more = "paths: [{name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1}}]\n";
    return parts;
}

std::vector<std::string> protecting(const Parts& parts) {
    const auto config = read_good(parts.text());
    std::vector<std::string> names;
    const auto protecting = protecting_sessions(config);
    for (const auto& session : sessions_of(config)) {
        if (protecting.contains(session.name)) names.push_back(session.name);
    }
    return names;
}

TEST(SessionConfig, AListDependsOnItsAdjacencyFirst) {
    SegmentListConfig list;
    list.adjacency = "A-B";
    list.sessions = {"P", "Q"};
    EXPECT_THAT(sessions_of(list), ElementsAre("A-B", "P", "Q"));
}

TEST(SessionConfig, WithoutRepairsNoSessionProtects) {
    auto parts = with_path();
    parts.policy = " []";
    EXPECT_THAT(protecting(parts), IsEmpty());
}

TEST(SessionConfig, AllListsOfTheFirstCandidateProtect) {
    auto parts = with_path();
    parts.policy = policy_with_candidates("[{adjacency: A-C, sessions: [P]}, {adjacency: A-B, preference: 101}]");
    EXPECT_THAT(protecting(parts), ElementsAre("A-B", "A-C")) << "not P";
    parts.policy = policy_with_candidates("[{lists: [{adjacency: A-B}, {adjacency: A-C, sessions: [P]}]}]");
    EXPECT_THAT(protecting(parts), ElementsAre("A-B", "A-C", "P"));
}

// The FIB chooses among equal ways, and may know more of them than the policy.
TEST(SessionConfig, APlainFirstCandidateMayLeaveByAnyAdjacency) {
    auto parts = with_path();
    parts.policy = policy_with_candidates("[{adjacency: A-B}]");
    EXPECT_THAT(protecting(parts), ElementsAre("A-B", "A-C"));
    parts.policy = policy_with_candidates("[{adjacency: A-B, segments: [fd00::b]}, {adjacency: A-C}]");
    EXPECT_THAT(protecting(parts), ElementsAre("A-B")) << "the FIB is not asked";
}

TEST(SessionConfig, AdjacenciesWithABypassProtect) {
    auto parts = with_path();
    parts.policy = " []";
    parts.second =
        "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00:ac::1}, bypass: [{adjacency: "
        "A-B}]}";
    EXPECT_THAT(protecting(parts), ElementsAre("A-C"));
}

TEST(SessionConfig, WithRoutingAllAdjacenciesProtect) {
    auto parts = with_path();
    parts.policy = " []";
    parts.more += "routing: {isis: true}";
    EXPECT_THAT(protecting(parts), ElementsAre("A-B", "A-C"));
}

}  // namespace
}  // namespace sidestep
