// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sequences of events of one session: flaps, proof and its causes in either order, damping.
#include <optional>

#include <gtest/gtest.h>

#include "detector/core/session_fsm.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using enum SessionState;
using E = SessionEvent;
using R = Reason;

constexpr Nanoseconds kBegin = 100s;
constexpr Nanoseconds kRestoreWait = 5s;

// Plays events one second apart, and returns the states after each.
class SessionStory : public testing::Test {
  protected:
    SessionActions play(SessionEvent event, Nanoseconds later = 1s) {
        now_ += later;
        return step(memory_, event, now_, {.wait_to_restore = kRestoreWait});
    }

    Nanoseconds now_ = kBegin;
    FsmState memory_;
};

TEST_F(SessionStory, AFlapWhileWaitingRestartsTheWait) {
    play(E::alive);
    play(E::dead);
    const auto first = play(E::alive).timer;
    play(E::dead);
    const auto second = play(E::alive).timer;
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*second - *first, 2s);

    now_ = *first;
    EXPECT_EQ(play(E::timer, 0s).timer, second) << "the first timer must not end the second wait";
    EXPECT_EQ(memory_.state, wait);
    now_ = *second;
    EXPECT_TRUE(play(E::timer, 0s).raise);
    EXPECT_EQ(memory_.state, up);
    EXPECT_EQ(memory_.downs, 2U);
}

TEST_F(SessionStory, CarrierBackBeforeProof) {
    play(E::alive);
    EXPECT_TRUE(play(E::carrier_lost).ask_proof);
    play(E::dead);
    play(E::carrier_back);
    EXPECT_EQ(memory_.state, down);
    EXPECT_TRUE(play(E::alive).timer);
}

TEST_F(SessionStory, ProofBeforeCarrierBack) {
    play(E::alive);
    play(E::carrier_lost);
    EXPECT_FALSE(play(E::alive).timer);
    EXPECT_EQ(memory_.state, down);
    EXPECT_EQ(memory_.reason, R::carrier);
    EXPECT_TRUE(play(E::carrier_back).timer);
}

TEST_F(SessionStory, CarrierLostDuringAdminDownIsRecorded) {
    play(E::admin_down);
    play(E::carrier_lost);
    EXPECT_FALSE(play(E::admin_up).raise);
    play(E::alive);
    EXPECT_EQ(memory_.state, down);
    play(E::carrier_back);
    EXPECT_EQ(memory_.state, wait);
}

TEST_F(SessionStory, AdminUpTrustsNoProofFromBefore) {
    play(E::alive);
    play(E::admin_down);
    play(E::alive);
    EXPECT_TRUE(play(E::admin_up).ask_proof);
    EXPECT_EQ(memory_.state, down);
    EXPECT_TRUE(play(E::alive).timer);
}

TEST_F(SessionStory, ASessionThatTurnsPoorWhileWaitingComesBackDegraded) {
    play(E::alive);
    play(E::dead);
    const auto timer = play(E::alive).timer;
    play(E::lossy);
    now_ = *timer;
    const auto actions = play(E::timer, 0s);
    EXPECT_EQ(memory_.state, degraded);
    EXPECT_TRUE(actions.degrade);
    EXPECT_FALSE(actions.raise);
    EXPECT_TRUE(play(E::sound).raise);
}

TEST(SessionStories, AFailureWhileItWaitsMakesItUnstable) {
    const RestorePolicy policy{.wait_to_restore = 1s};
    FsmState memory;
    for (const auto event : {E::alive, E::dead, E::alive}) step(memory, event, kBegin, policy);
    EXPECT_FALSE(is_unstable(memory)) << "it failed once";
    step(memory, E::dead, kBegin, policy);
    step(memory, E::carrier_lost, kBegin, policy);
    step(memory, E::carrier_back, kBegin, policy);
    const auto timer = step(memory, E::alive, kBegin, policy).timer;
    EXPECT_TRUE(is_unstable(memory));
    step(memory, E::timer, *timer, policy);
    EXPECT_EQ(memory.state, up);
    for (const auto event : {E::dead, E::alive}) step(memory, event, kBegin, policy);
    EXPECT_FALSE(is_unstable(memory)) << "it was up in between";
}

TEST(SessionStories, FlapsAreDamped) {
    const RestorePolicy policy{.wait_to_restore = 1s, .damping = DampingSettings{}};
    FsmState memory;
    auto now = kBegin;
    step(memory, E::alive, now, policy);
    std::optional<Nanoseconds> timer;
    for (int flap = 0; flap < 3; ++flap) {
        step(memory, E::dead, now, policy);
        timer = step(memory, E::alive, now, policy).timer;
        if (flap < 2) {
            ASSERT_EQ(timer, now + 1s) << "not suppressed yet";
            step(memory, E::timer, *timer, policy);
            now = *timer;
        }
    }
    EXPECT_TRUE(memory.damping.suppressed);
    EXPECT_TRUE(is_unstable(memory));
    EXPECT_GT(*timer, now + 5s) << "more than twice the reuse limit takes more than a half-life";
    EXPECT_TRUE(step(memory, E::timer, *timer, policy).raise);
    EXPECT_FALSE(memory.damping.suppressed);
}

}  // namespace
}  // namespace sidestep
