// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests a rehearsed failure: down like by the operator, and back by itself.
#include <gtest/gtest.h>

#include "detector/core/session_fsm.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using enum SessionState;
using E = SessionEvent;

constexpr Nanoseconds kNow = 100s;
constexpr RestorePolicy kPolicy{.wait_to_restore = 5s};

class Rehearsal : public testing::Test {
  protected:
    Rehearsal() {
        step(memory_, E::alive, kNow, kPolicy);
        begun_ = rehearse(memory_, kNow + 3s, kNow, kPolicy);
    }
    SessionActions at(Nanoseconds later, SessionEvent event) { return step(memory_, event, kNow + later, kPolicy); }

    FsmState memory_;
    SessionActions begun_;
};

TEST_F(Rehearsal, BringsDownAtOnceAndIsNoFailure) {
    EXPECT_TRUE(begun_.lower);
    EXPECT_EQ(begun_.timer, kNow + 3s);
    EXPECT_EQ(memory_.state, admin_down);
    EXPECT_EQ(memory_.reason, Reason::rehearsal);
    EXPECT_TRUE(is_rehearsing(memory_));
    EXPECT_EQ(memory_.downs, 0U);
}

TEST_F(Rehearsal, EndsByItselfAndThenWaitsForProof) {
    EXPECT_EQ(at(2s, E::timer).timer, kNow + 3s) << "an earlier timer must not end it";
    EXPECT_EQ(memory_.state, admin_down);
    EXPECT_TRUE(at(3s, E::timer).ask_proof);
    EXPECT_EQ(memory_.state, down);
    EXPECT_FALSE(is_rehearsing(memory_));
    EXPECT_EQ(at(4s, E::alive).timer, kNow + 9s);
    EXPECT_TRUE(at(9s, E::timer).raise);
}

TEST_F(Rehearsal, TheOperatorMayEndItEarlier) {
    at(1s, E::admin_up);
    EXPECT_EQ(memory_.state, down);
    at(1s, E::alive);
    at(3s, E::timer);  // of the rehearsal
    EXPECT_EQ(memory_.state, wait) << "the rest of the rehearsal must not end the wait";
}

TEST_F(Rehearsal, TheOperatorMayMeanIt) {
    EXPECT_TRUE(at(1s, E::admin_down).changed);
    EXPECT_EQ(memory_.reason, Reason::admin);
    at(3s, E::timer);
    EXPECT_EQ(memory_.state, admin_down) << "drained for good";
}

TEST_F(Rehearsal, ARealFailureMeanwhileOutlastsIt) {
    at(1s, E::carrier_lost);
    at(3s, E::timer);
    at(4s, E::alive);
    EXPECT_EQ(memory_.state, down);
    at(5s, E::carrier_back);
    EXPECT_EQ(memory_.state, wait);
}

TEST_F(Rehearsal, ADrainedSessionStaysDrained) {
    at(1s, E::admin_down);
    const auto again = rehearse(memory_, kNow + 10s, kNow + 2s, kPolicy);
    EXPECT_FALSE(again.changed);
    EXPECT_FALSE(again.timer);
    EXPECT_EQ(memory_.reason, Reason::admin);
}

TEST_F(Rehearsal, MayBeProlonged) {
    EXPECT_EQ(rehearse(memory_, kNow + 10s, kNow + 2s, kPolicy).timer, kNow + 10s);
    at(3s, E::timer);
    EXPECT_EQ(memory_.state, admin_down);
}

}  // namespace
}  // namespace sidestep
