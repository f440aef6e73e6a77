// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any packet to ss_ingress, ss_egress and ss_device: the code is a legal one, what is passed is unchanged but for a
// tunnel's header, what is repaired ends with what came, answers have right checksums, and no session changes without a
// probe whose MAC is right. What the kernel would drop is never sent; while nothing is down, nothing is sent at all.
//   SIDESTEP_NIGHTLY=1   a million packets from a random seed instead of 50,000 from a fixed one
//   SIDESTEP_SEED=n      the seed that a failure printed
#include "tests/fuzz/fuzzed.hpp"

namespace sidestep {
namespace {

TEST_F(IngressFuzz, AnyPacket) {
    const Extent extent;
    const int count = extent.count;
    Dice dice(extent.seed);
    for (int i = 0; i < count; ++i) {
        const auto bytes = any_packet(dice);
        // So that there is always something new to answer.
        for (std::uint16_t s = 0; i % 500 == 0 && s < kSessions; ++s) programs_.sessions[s].rx = {};
        if (i % 100 == 0) change_states(dice);
        if (dice.chance(15)) {
            check_device(bytes);
        } else if (dice.chance(10)) {
            check_egress(bytes);
        } else {
            check_ingress(bytes, dice.chance(30) ? VethPair::kNear : kLoopback);
        }
        ASSERT_FALSE(HasFatalFailure()) << "packet " << i << " of SIDESTEP_SEED=" << extent.seed << ": "
                                        << text_of(bytes);
    }
    for (const auto code :
         {kPass, std::uint32_t{TC_ACT_SHOT}, std::uint32_t{TC_ACT_STOLEN}, std::uint32_t{TC_ACT_REDIRECT}}) {
        EXPECT_GT(codes_[code], static_cast<std::uint64_t>(count) / 200) << "hardly ever reached: " << code;
    }
    EXPECT_GT(left_by_device_, static_cast<std::uint64_t>(count) / 200);
    EXPECT_GT(left_by_egress_, static_cast<std::uint64_t>(count) / 500);
    for (std::uint32_t counter = 0; counter < SS_COUNTERS; ++counter) {
        if (counter == SS_COUNT_DROPS + SS_DROP_PUSH_FAILED) continue;    // no list is broken
        if (counter == SS_COUNT_DROPS + SS_DROP_U_TURN) continue;         // no packet is from a neighbor
        if (counter == SS_COUNT_DROPS + SS_DROP_CANNOT_NUMBER) continue;  // none is of GSO
        if (counter == SS_COUNT_DROPS + SS_DROP_OBSERVED && programs_.at_xdp()) continue;  // counted at tc
        EXPECT_GT(programs_.counter(counter), 0U) << "never counted: " << counter;
    }
}

// Each packet passes untouched, unless it is for the node itself: a probe, or for a SID.
TEST_F(IngressFuzz, WithNothingDownNothingIsSent) {
    for (auto& state : programs_.states.all()) state.rank = SS_UP;
    programs_.repair[0].active = 0;
    Dice dice(2);
    for (int i = 0; i < 20'000; ++i) {
        const auto bytes = any_packet(dice);
        for (std::uint16_t s = 0; i % 500 == 0 && s < kSessions; ++s) programs_.sessions[s].rx = {};
        if (dice.chance(20)) {
            check_egress(bytes);
        } else {
            check_ingress(bytes, dice.chance(30) ? VethPair::kNear : kLoopback);
        }
        ASSERT_FALSE(HasFatalFailure()) << "packet " << i << ": " << text_of(bytes);
    }
    std::uint64_t refused = 0;
    for (const auto drop : {SS_OUTCOME_NOT_IN_DOMAIN, SS_OUTCOME_SID_FAILED, SS_OUTCOME_LATER_COPY,
                            SS_OUTCOME_STALE_COPY, SS_OUTCOME_NO_FLOW})
        refused += programs_.outcomes(drop);
    for (std::uint32_t reason = 0; reason < SS_REJECT_COUNT; ++reason) refused += programs_.counter(reason);
    EXPECT_LE(codes_[TC_ACT_SHOT], refused);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 0U);
    EXPECT_EQ(left_by_egress_, 0U);
}

}  // namespace
}  // namespace sidestep
