// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests events that are read late: a process that was stopped finds them in the ring, and shared memory knows better.
#include <gtest/gtest.h>

#include "bpf/lib/session_state.h"
#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class OldNews : public EngineTest {
  protected:
    OldNews() { start(); }
    /// What the tick finds; nobody reads the event yet.
    void find(ss_verdict verdict, Nanoseconds when) {
        auto& shared = maps_.sessions[session("A-B").index];
        shared.tx.verdict = verdict;
        shared.tx.verdict_ns = static_cast<std::uint64_t>(when.count());
        if (verdict == SS_DEAD) ss_state_lower(&maps_.states[session("A-B").index], &maps_.repair(), SS_DOWN);
        waiting_.push_back({.type = verdict == SS_DEAD ? SS_EVENT_DEAD : SS_EVENT_ALIVE,
                            .session = session("A-B").index,
                            .epoch = shared.conf.epoch,
                            .quality = SS_GOOD,
                            .lost = 0,
                            .unsent = 0,
                            .last_sent = 0,
                            .last_answered = 0,
                            .accused = 0,
                            .time_ns = static_cast<std::uint64_t>(when.count()),
                            .last_answer_ns = 0,
                            .accused_sent_ns = 0,
                            .clock_gap_ns = 0});
    }
    /// Reads the ring, and says how often the state was anything but `rank` meanwhile.
    int read_and_count_others(std::uint32_t rank) {
        int others = 0;
        for (const auto& event : waiting_) {
            engine_->on_kernel_event(event, kNow + 30s);
            if (this->rank("A-B") != rank) ++others;
        }
        waiting_.clear();
        return others;
    }
    std::vector<ss_event> waiting_;
};

TEST_F(OldNews, ADeathOfBeforeTheReturnDoesNotTakeItDownAgain) {
    find(SS_DEAD, kNow + 1s);
    find(SS_ALIVE, kNow + 2s);
    engine_->reconcile(kNow + 30s);  // notices that it has died and is back, or that it is alive
    engine_->reconcile(kNow + 31s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up) << "wait-to-restore is 0 here";
    EXPECT_EQ(session("A-B").fsm.downs, 1U);
    EXPECT_EQ(read_and_count_others(SS_UP), 0);
    EXPECT_EQ(session("A-B").fsm.downs, 1U);
}

TEST_F(OldNews, AReturnOfBeforeTheDeathDoesNotRaiseWhatIsDown) {
    find(SS_DEAD, kNow + 1s);
    find(SS_ALIVE, kNow + 2s);
    find(SS_DEAD, kNow + 3s);
    EXPECT_EQ(read_and_count_others(SS_DOWN), 0) << "not for a moment";
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
}

TEST_F(OldNews, ADeathAndAReturnAreBothToldInOrder) {
    find(SS_DEAD, kNow + 1s);
    find(SS_ALIVE, kNow + 2s);
    (void)read_and_count_others(SS_UP);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_EQ(session("A-B").fsm.downs, 1U);
}

// The ring was full: nothing tells of either.
TEST_F(OldNews, WhatDiedAndCameBackUnheardIsRestored) {
    find(SS_DEAD, kNow + 1s);
    find(SS_ALIVE, kNow + 2s);
    waiting_.clear();
    engine_->reconcile(kNow + 30s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    engine_->reconcile(kNow + 31s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_EQ(rank("A-B"), SS_UP);
}

TEST_F(OldNews, TheEndOfAWaitDoesNotRaiseWhatHasDiedMeanwhile) {
    auto config = square();
    config.adjacencies[0].probe.wait_to_restore = 5s;
    ASSERT_TRUE(apply(config));
    tell("A-B", SS_EVENT_DEAD);
    tell("A-B", SS_EVENT_ALIVE);
    ASSERT_EQ(session("A-B").fsm.state, SessionState::wait);
    find(SS_DEAD, kNow + 1s);
    engine_->run_timers(kNow + 30s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_FALSE(engine_->next_timer());
}

class NeighborNews : public EngineTest {
  protected:
    static constexpr Nanoseconds kLater = kNow + 5s;  // a neighbor is asked once a second

    NeighborNews() { start(); }
    void tell_neighbor(NeighborStatus status, bool gone = false) {
        engine_->on_neighbor(
            {.ifindex = kToB, .address = address("fe80::b"), .status = status, .mac = {}, .gone = gone}, kLater);
    }
};

// `ip neigh flush` is told as a failure and then as a removal.
TEST_F(NeighborNews, AnEntryThatIsRemovedIsNoFailure) {
    asked_.clear();
    tell_neighbor(NeighborStatus::failed);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_EQ(asked_, std::vector{kToB}) << "traffic waits for the neighbor";
    tell_neighbor(NeighborStatus::unknown, true);
    EXPECT_FALSE(engine_->next_timer());
    engine_->run_timers(kLater + 1s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
}

TEST_F(NeighborNews, AnEntryThatStaysFailedIsAFailure) {
    tell_neighbor(NeighborStatus::failed);
    tell_neighbor(NeighborStatus::unknown);  // the kernel asks again, for us
    ASSERT_TRUE(engine_->next_timer());
    EXPECT_LE(*engine_->next_timer(), kLater + 20ms);
    engine_->run_timers(*engine_->next_timer());
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::neighbor);
}

TEST_F(NeighborNews, OneThatIsNotAnsweredEitherHasFailedAtOnce) {
    maps_.sessions[session("A-B").index].tx.verdict = SS_UNPROVEN;
    tell_neighbor(NeighborStatus::failed);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::neighbor);
}

}  // namespace
}  // namespace sidestep
