// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that copies without a merging SID are named: at their sender and at the counters of links, all looks well.
#include "detector/app/stray_copies.hpp"

#include <array>
#include <chrono>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr Nanoseconds kDay = 24h;

ss_stray stray(std::uint64_t flow, Nanoseconds at, std::string_view sid = "fd00:d:0:7::") {
    ss_stray result{};
    result.last_ns = static_cast<__u64>(at.count());
    result.flow = flow;
    std::memcpy(&result.sid, Address::parse(sid)->bytes.data(), sizeof result.sid);
    return result;
}

/// Copies of a flow that is merged here, for this long.
ss_stray late(std::uint64_t behind, Nanoseconds since) {
    auto result = stray(7, kDay - 1s);
    result.since_ns = static_cast<__u64>((kDay - 1s - since).count());
    result.list = 1;
    result.behind = behind;
    std::memcpy(result.source, Address::parse("fd00:9::1")->bytes.data(), sizeof result.source);
    return result;
}

std::vector<SidConfig> merging(const std::vector<unsigned>& flows) {
    SidConfig plain;
    plain.sid = *Prefix::parse("fd00:d:0:6::/128");
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:d:0:7::/64");
    sid.behavior = SidBehavior::end_dt46;
    sid.flows = flows;
    return {plain, sid};
}

TEST(StrayCopies, AFlowThatIsNotMergedIsNamedWithItsSid) {
    const std::array strays{ss_stray{}, stray(8, kDay - 1s)};
    EXPECT_THAT(
        stray_problems(strays, merging({9}), kDay),
        ElementsAre(Pair("flow 8",
                         "its copies come to fd00:d:0:7::/64, which merges flow 9: all are dropped. Add the flow "
                         "to this SID, or correct it at the sender")));
}

TEST(StrayCopies, OnceTheFlowIsMergedThereIsNoProblem) {
    EXPECT_THAT(stray_problems(std::array{stray(8, kDay)}, merging({8, 9}), kDay), IsEmpty());
}

TEST(StrayCopies, ASecondSenderOfAFlowIsNamed) {
    EXPECT_THAT(
        stray_problems(std::array{late(5ULL << 24, 3s)}, merging({7}), kDay),
        ElementsAre(Pair("flow 7",
                         "copies by list 1 from fd00:9::1 are 83886080 numbers behind the newest one and are dropped: "
                         "another node sends the same flow, or the clock of this one went back, or somebody forged "
                         "numbers. Give each sender a flow of its own")));
}

TEST(StrayCopies, AWindowThatIsTooSmallIsNamed) {
    auto sids = merging({7});
    sids.back().window = 64;
    EXPECT_THAT(
        stray_problems(std::array{late(200, 3s)}, sids, kDay),
        ElementsAre(Pair("flow 7",
                         "copies by list 1 from fd00:9::1 are 200 numbers behind the newest one and are dropped: too "
                         "late for `window: 64`, so this list protects nothing. Enlarge it (65536 at most), or choose "
                         "ways whose delays differ less")));
}

TEST(StrayCopies, WhatWasOnItsWayWhenItsSenderBeganAnewIsNoProblem) {
    EXPECT_THAT(stray_problems(std::array{late(5ULL << 24, 50ms)}, merging({7}), kDay), IsEmpty());
}

TEST(StrayCopies, WhatWasLongAgoIsForgotten) {
    EXPECT_THAT(stray_problems(std::array{stray(8, kDay - 2min)}, merging({9}), kDay), IsEmpty());
}

TEST(StrayCopies, ASidThatIsGoneIsNotNamed) {
    EXPECT_THAT(stray_problems(std::array{stray(8, kDay, "fd00:d:0:8::")}, merging({9}), kDay), IsEmpty());
}

// Whoever follows the list of a policy has its probes end at the merging SID.
TEST(StrayCopies, ProbesToAMergingSidAreNamed) {
    EXPECT_THAT(
        stray_problems(std::array{stray(0, kDay)}, merging({7, 9}), kDay),
        ElementsAre(Pair("merging SID fd00:d:0:7::/64",
                         "packets that are no copies come to it and are dropped: it takes only those of flows 7, "
                         "9. Probes and other traffic need another SID of this node")));
}

}  // namespace
}  // namespace sidestep
