// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how the tick judges, and what follows from a verdict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/lib/judge.h"
#include "tests/bpf/ticking.hpp"

namespace sidestep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// A device that is down or without carrier swallows probes, and would swallow data. That is a failure, even if no
// detector is running.
TEST_F(Tick, ProbesThatADeadDeviceSwallowsAreUnanswered) {
    probe_sessions(1);
    make_alive();
    ASSERT_TRUE(VethPair::ip("link set dev near down"));
    for (int i = 0; i < 3; ++i) tick(1);
    EXPECT_EQ(tx().sequence, 7U);
    age(1'000'000'000);
    tick(1);
    EXPECT_EQ(tx().verdict, SS_DEAD);
}

// A few refusals accuse nobody, because a full queue also refuses.
TEST_F(Tick, ADeviceThatKeepsRefusingIsDead) {
    probe_sessions(1);
    make_alive();
    programs_.sessions[0].conf.ifindex = kNoDevice;
    const unsigned most = SS_UNSENT_FACTOR * programs_.sessions[0].conf.multiplier;
    for (unsigned i = 1; i < most; ++i) tick(1);
    EXPECT_EQ(tx().sequence, 4U);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    tick(1);
    tick(1);
    EXPECT_EQ(tx().verdict, SS_DEAD);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].unsent, most);
}

TEST_F(Tick, AfterAStandstillAnswersComeFirst) {
    probe_sessions(1);
    make_alive();
    const auto late = lose_two();
    age(1'000'000'000);
    clock().last_tick_ns -= 10 * kTick;
    tick(0);
    ASSERT_EQ(tx().verdict, SS_ALIVE);
    for (const auto& probe : late) answer(probe);
    tick(0);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
}

TEST_F(Tick, ADeadVerdictLowersTheStateCountsItAndIsReportedOnce) {
    probe_sessions(1);
    make_alive();  // 4 sent, 3 answered
    lose_two();
    EXPECT_EQ(tx().sequence, 6U);
    EXPECT_EQ(clock().suspects, 1U);
    ASSERT_EQ(tx().verdict, SS_ALIVE) << "the accused probe has time left";

    age(1'000'000'000);
    EXPECT_THAT(tick(0), IsEmpty()) << "no new probe is needed for a verdict";
    EXPECT_EQ(tx().verdict, SS_DEAD);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
    EXPECT_EQ(clock().suspects, 0U);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, SS_EVENT_DEAD);
    EXPECT_EQ(events[0].session, 0U);
    EXPECT_EQ(events[0].last_sent, 6U);
    EXPECT_EQ(events[0].last_answered, 3U);
    EXPECT_EQ(events[0].accused, 6U);
    EXPECT_EQ(events[0].accused_sent_ns, tx().sent_at_ns[6]);
    EXPECT_EQ(events[0].last_answer_ns, programs_.sessions[0].rx.last_answer_ns);
    EXPECT_EQ(events[0].time_ns, tx().verdict_ns);

    tick(1);
    tick(0);
    EXPECT_THAT(programs_.events(), IsEmpty());
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

TEST_F(Tick, AStateRaisedDuringADeadVerdictIsLoweredAgain) {
    probe_sessions(1);
    make_alive();
    lose_two();
    age(1'000'000'000);
    tick(0);
    programs_.states[0].rank = SS_UP;
    programs_.repair[0].active = 0;
    tick(1);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

// Of a session that verifies a backup the detector decides what a verdict means.
TEST_F(Tick, AVerificationIsJudgedAndItsStateLeftAlone) {
    probe_sessions(1);
    programs_.sessions[0].conf.flags |= SS_SESSION_VERIFIES;
    make_alive();
    lose_two();
    age(1'000'000'000);
    tick(0);
    EXPECT_EQ(tx().verdict, SS_DEAD);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, SS_EVENT_DEAD);
    tick(1);
    EXPECT_EQ(programs_.states[0].rank, SS_UP);
    EXPECT_EQ(programs_.repair[0].active, 0U);
}

TEST_F(Tick, AnAnswerAcquitsASuspect) {
    probe_sessions(1);
    make_alive();
    const auto probes = lose_two();
    ASSERT_EQ(clock().suspects, 1U);
    answer(probes[0]);
    age(1'000'000'000);
    tick(0);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    EXPECT_EQ(clock().suspects, 0U);
    EXPECT_EQ(programs_.states[0].rank, SS_UP);
}

TEST_F(Tick, AnEpochNeedsFreshProofAndTheKernelNeverRaisesTheState) {
    probe_sessions(1);
    make_alive();
    programs_.lower(0);
    programs_.sessions[0].conf.epoch = 1;
    auto probes = tick(1);
    EXPECT_EQ(tx().epoch, 1U);
    EXPECT_EQ(tx().verdict, SS_UNPROVEN);
    for (int answered = 0; answered < 3; ++answered) {
        EXPECT_EQ(tx().verdict, SS_UNPROVEN);
        EXPECT_THAT(programs_.events(), IsEmpty());
        for (const auto& probe : probes) answer(probe);
        probes = tick(1);
    }
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].type, SS_EVENT_ALIVE);
    EXPECT_EQ(events[0].epoch, 1U);
    EXPECT_EQ(programs_.states[0].rank, SS_DOWN);
    EXPECT_EQ(programs_.repair[0].active, 1U);
}

// 2^32 probes take 50 days at 1 ms: the session fails, stays down for as long again, and recovers.
TEST_F(Tick, ComesBackAfterMoreProbesThan32BitsCount) {
    constexpr std::uint64_t kLong = (1ULL << 32) - 2;
    probe_sessions(1);
    tx().sequence = kLong;
    make_alive();
    tx().sequence += kLong;  // all of them answered
    programs_.sessions[0].rx.newest = tx().sequence;
    for (const auto& probe : tick(1)) EXPECT_EQ(answer(probe), std::uint32_t{TC_ACT_STOLEN});
    ASSERT_EQ(tx().verdict, SS_ALIVE);
    for (int i = 0; i < 4; ++i) tick(1);
    age(1'000'000'000);
    tick(0);
    ASSERT_EQ(tx().verdict, SS_DEAD);
    tx().sequence += kLong;
    programs_.events();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(tx().verdict, SS_DEAD);
        for (const auto& probe : tick(1)) EXPECT_EQ(answer(probe), std::uint32_t{TC_ACT_STOLEN});
    }
    tick(1);
    EXPECT_EQ(tx().verdict, SS_ALIVE);
    const auto events = programs_.events();
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].last_sent, tx().sequence - 1);
    EXPECT_GT(events[0].last_sent, 3 * kLong);
}

}  // namespace
}  // namespace sidestep
