// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which backups get sessions that verify them.
#include "detector/core/verification.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class VerificationTest : public testing::Test {
  protected:
    VerificationTest() {
        config_.source = *Address::parse("fd00:a::1");
        for (const auto* name : {"A-B", "A-C"}) {
            AdjacencyConfig adjacency;
            adjacency.name = name;
            adjacency.interface = std::string("to-") + name[2];
            config_.adjacencies.push_back(adjacency);
        }
    }
    static SegmentListConfig by(const std::string& adjacency, const std::string& segment) {
        SegmentListConfig result;
        result.adjacency = adjacency;
        result.encap = Encap::h_encaps;
        result.segments = {*Address::parse(segment)};
        return result;
    }
    /// A policy with a plain first candidate, unless it is a bypass.
    void add(const std::vector<SegmentListConfig>& lists, const std::string& bypass_of = {}) {
        DesiredPolicy policy;
        policy.bypass_of = bypass_of;
        SegmentListConfig plain;
        plain.adjacency = "A-B";
        if (bypass_of.empty()) policy.config.candidates.push_back({.lists = {plain}});
        for (const auto& list : lists) policy.config.candidates.push_back({.lists = {list}});
        policies_.push_back(std::move(policy));
    }
    std::vector<SessionConfig> verify() { return verify_backups(policies_, config_, sessions_of(config_)); }
    [[nodiscard]] const SegmentListConfig& last() const {
        return policies_.back().config.candidates.back().lists.front();
    }

    Config config_;
    std::vector<DesiredPolicy> policies_;
};

TEST_F(VerificationTest, EachWayHasOneSession) {
    add({by("A-C", "fd00:b::"), by("A-C", "fd00:d::")});
    add({by("A-C", "fd00:b::")});
    add({by("A-C", "fd00:b::")}, "A-B");
    const auto sessions = verify();
    ASSERT_THAT(sessions, SizeIs(2));
    const auto& session = sessions.front();
    EXPECT_EQ(last().verified_by, session.name);
    EXPECT_TRUE(session.verifies);
    EXPECT_EQ(session.interface, "to-C");
    EXPECT_EQ(session.returns_on, "");
    EXPECT_EQ(session.probe.return_address, config_.source);
    EXPECT_EQ(session.encaps, last().segments);
    EXPECT_LT(session.name.size(), std::size_t{SS_NAME_MAX});
}

// A reload in which lists come and go must not rename the sessions of those that stay.
TEST_F(VerificationTest, TheNameFollowsFromTheWay) {
    add({by("A-C", "fd00:b::")});
    const auto before = verify().front().name;
    policies_.clear();
    add({by("A-C", "fd00:d::"), by("A-C", "fd00:b::")});
    (void)verify();
    EXPECT_EQ(last().verified_by, before);
}

TEST_F(VerificationTest, WhatIsNoBackupOrProvenOtherwiseHasNone) {
    auto list = by("A-C", "fd00:b::");
    list.encap = Encap::h_insert;
    add({list});
    list = by("A-C", "fd00:b::");
    list.sessions = {"A-C-B"};
    add({list});
    list = by("A-C", "fd00:b::");
    list.verify = false;
    add({list});
    add({by("A-C", "fd00:b::")});
    policies_.back().config.flow = 1;
    policies_.push_back({});
    policies_.back().config.candidates = {{.lists = {by("A-C", "fd00:b::")}}};  // a first candidate
    EXPECT_THAT(verify(), IsEmpty());
    EXPECT_EQ(last().verified_by, "");
    add({by("A-C", "fd00:b::")});
    config_.verify = false;
    EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(VerificationTest, ThereAreOnlySoMany) {
    std::vector<SegmentListConfig> lists;
    for (unsigned i = 0; i < 2 * kMostVerified; ++i) lists.push_back(by("A-C", fmt::format("fd00:{:x}::", i + 1)));
    add(lists);
    EXPECT_THAT(verify(), SizeIs(kMostVerified));
    EXPECT_EQ(last().verified_by, "");
}

TEST_F(VerificationTest, TheirIntervalNeedsRoom) {
    add({by("A-C", "fd00:b::")});
    config_.adjacencies.resize(SS_MAX_CLASSES, config_.adjacencies.back());
    for (std::size_t i = 0; i < config_.adjacencies.size(); ++i)
        config_.adjacencies[i].probe.interval = std::chrono::milliseconds(i + 1);
    EXPECT_THAT(verify(), IsEmpty());
    config_.adjacencies.back().probe.interval = kVerifyEvery;
    EXPECT_THAT(verify(), SizeIs(1));
}

}  // namespace
}  // namespace sidestep
