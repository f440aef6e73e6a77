// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A path that answers but is poor, while a lasting cause keeps its session down: the quality that the kernel reports in
// that time still counts when the cause ends. Otherwise the session would be up with a degraded state that nobody
// raises.
#include <gtest/gtest.h>

#include "detector/core/session_fsm.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using E = SessionEvent;

SessionActions play(FsmState& memory, std::initializer_list<SessionEvent> events) {
    SessionActions last;
    for (const auto event : events) last = step(memory, event, 1s, {.wait_to_restore = 0s});
    return last;
}

TEST(PoorWhileDown, IsDegradedWhenTheCauseEnds) {
    FsmState memory;
    const auto actions = play(memory, {E::alive, E::neighbor_failed, E::alive, E::lossy, E::neighbor_resolved});
    EXPECT_EQ(memory.state, SessionState::degraded);
    EXPECT_TRUE(actions.degrade);
    EXPECT_TRUE(play(memory, {E::sound}).raise);
}

TEST(PoorWhileDown, IsUpIfTheQualityRecoveredBefore) {
    FsmState memory;
    play(memory, {E::alive, E::neighbor_failed, E::alive, E::lossy, E::sound, E::neighbor_resolved});
    EXPECT_EQ(memory.state, SessionState::up);
}

TEST(PoorWhileDown, IsForgottenWithTheProof) {
    for (const auto event : {E::dead, E::carrier_lost}) {
        FsmState memory;
        play(memory, {E::alive, E::neighbor_failed, E::alive, E::lossy, event, E::alive, E::carrier_back,
                      E::neighbor_resolved});
        EXPECT_EQ(memory.state, SessionState::up);
    }
}

}  // namespace
}  // namespace sidestep
