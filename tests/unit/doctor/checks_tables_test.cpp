// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the checks make of routes with several ways, of tables that rules select, and of VRFs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;

TEST(Doctor, APlainCandidateIsOneOfTheRoutesWays) {
    auto node = good_case();
    auto& route = node.machine.lookups["2001:db8:d::"];
    route.interface = "to-C";
    EXPECT_EQ(check_plain_candidates(node).size(), 1U);
    route.others = {"to-B"};
    EXPECT_THAT(check_plain_candidates(node), testing::IsEmpty());
}

TEST(Doctor, WhereRulesSelectTablesTheMainOneIsNoProof) {
    auto node = good_case();
    node.machine.lookups.clear();
    EXPECT_EQ(only(check_plain_candidates(node)).severity, Severity::error);
    node.machine.rules = true;
    const auto finding = only(check_plain_candidates(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("unless a rule leads them to a table with one"));
}

TEST(Doctor, AnEntranceInAVrf) {
    auto node = good_case();
    node.machine.interfaces["red"] = {.name = "red", .up = true, .carrier = true, .kind = "vrf"};
    node.machine.interfaces["to-S"].master = "red";
    EXPECT_THAT(only(check_vrfs(node)).text, HasSubstr("is in the VRF red: policies and SIDs do not tell VRFs apart"));
    node.machine.interfaces["red"].kind = "bridge";
    EXPECT_THAT(check_vrfs(node), testing::IsEmpty());
}

}  // namespace
}  // namespace sidestep
