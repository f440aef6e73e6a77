// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the verdict, case by case.
#include "bpf/lib/judge.h"

#include <array>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/unit/bpf/judged_link.hpp"

namespace sidestep {
namespace {

class JudgeMultiplier : public testing::TestWithParam<std::tuple<std::uint16_t, std::uint64_t>> {};

//   multiplier 3:   n answered   n+1   n+2   n+3 = accused, sent at t
//                                                 dead from t + allowance on, not before
TEST_P(JudgeMultiplier, DeadWhenTheAccusedProbeHadItsTime) {
    const auto [multiplier, start] = GetParam();
    JudgedLink link(multiplier, start);
    link.exchange(10);
    ASSERT_EQ(link.verdict(), SS_ALIVE);
    const auto answered = link.session.tx.sequence;
    const auto allowance = ss_allowance(&link.session);

    for (unsigned i = 1; i < multiplier; ++i) {
        link.send(link.now);
        EXPECT_EQ(link.judge(link.now + 1000 * kMs), 0U) << "only " << i << " sent";
        ASSERT_EQ(link.verdict(), SS_ALIVE);
        link.now += kMs;
    }
    link.send(link.now);
    const auto judgement = ss_judge(&link.session, link.now);
    EXPECT_EQ(judgement.accused, answered + multiplier);
    EXPECT_EQ(judgement.revisit_ns, link.now + allowance);
    link.judge(link.now + allowance - 1);
    EXPECT_EQ(link.verdict(), SS_ALIVE);
    EXPECT_EQ(link.judge(link.now + allowance), 0U);
    EXPECT_EQ(link.verdict(), SS_DEAD);
}

TEST_P(JudgeMultiplier, AnyAnswerToTheAccusedOrBeforeAcquits) {
    const auto [multiplier, start] = GetParam();
    for (std::uint64_t saved = 1; saved <= multiplier; ++saved) {
        JudgedLink link(multiplier, start);
        link.exchange(10);
        const auto answered = link.session.tx.sequence;
        for (unsigned i = 0; i < multiplier; ++i) link.send(link.now);
        ASSERT_NE(link.judge(link.now), 0U);
        link.answer(answered + saved, link.now + 10 * kUs, link.now);
        EXPECT_EQ(link.judge(link.now + 1000 * kMs), 0U);
        EXPECT_EQ(link.verdict(), SS_ALIVE);
    }
}

INSTANTIATE_TEST_SUITE_P(Cases, JudgeMultiplier,
                         testing::Combine(testing::Values<std::uint16_t>(1, 2, 3, 32),
                                          testing::Values<std::uint64_t>(0, 0x7ffffff0, 0xfffffff0, 0xfffffff5,
                                                                         (1ULL << 52) - 200)));

TEST(Judge, WithoutAnyAnswerASessionIsNeitherAliveNorDead) {
    JudgedLink link(3);
    for (int i = 0; i < 1000; ++i, link.now += kMs) {
        link.send(link.now);
        EXPECT_EQ(link.judge(link.now), 0U);
        ASSERT_EQ(link.verdict(), SS_UNPROVEN);
    }
}

TEST(Judge, NeedsUpCountAnswersInARow) {
    JudgedLink link(3);
    link.exchange(2);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
    link.send(link.now);  // lost
    link.exchange(2);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
    link.exchange(1);
    EXPECT_EQ(link.verdict(), SS_ALIVE);
}

TEST(Judge, AfterAnEpochOnlyFreshAnswersProve) {
    JudgedLink link(3);
    link.exchange(10);
    link.send(link.now);
    link.ask_proof(link.now + 50 * kUs);
    link.answer(link.session.tx.sequence, link.now + 100 * kUs, link.now);
    link.judge(link.now + 100 * kUs);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN) << "that one was sent before";
    link.exchange(2);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
    link.exchange(1);
    EXPECT_EQ(link.verdict(), SS_ALIVE);
}

TEST(Judge, OverdueProofDoesNotCount) {
    JudgedLink link(3);
    link.exchange(10);
    link.ask_proof(link.now);
    for (int i = 0; i < 3; ++i) {
        link.send(link.now);
        link.answer(link.session.tx.sequence, link.now + 100 * kUs, link.now);
    }
    for (int i = 0; i < 3; ++i) link.send(link.now);
    link.judge(link.now + 10 * kMs);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
}

// Numbers of probes at which the 32 bits in a probe, or half of them, wrap around.
constexpr std::array<std::uint64_t, 9> kLong{1,          0x7fffff00, 0x7fffffff,    0x80000001, 0xc0000000,
                                             0xffffffff, 1ULL << 32, 0x123456789ab, 1ULL << 51};

// A session that has been dead for weeks: old answers must not look fresh, and new ones must prove it alive.
TEST(Judge, AnswersFromBeforeALongSilenceProveNothing) {
    for (const auto silence : kLong) {
        JudgedLink link(3);
        link.exchange(100);
        for (int i = 0; i < 3; ++i) link.send(link.now);
        link.judge(link.now + kMs);
        ASSERT_EQ(link.verdict(), SS_DEAD);

        link.session.tx.sequence += silence;
        for (int i = 0; i < 3; ++i) {
            link.judge(link.now + 2 * kMs);
            EXPECT_EQ(link.verdict(), SS_DEAD) << silence;
            link.send(link.now + 2 * kMs);
        }
        link.ask_proof(link.now + 3 * kMs);
        link.judge(link.now + 3 * kMs);
        EXPECT_EQ(link.verdict(), SS_UNPROVEN) << silence;
        link.now += 4 * kMs;
        link.exchange(3);
        EXPECT_EQ(link.verdict(), SS_ALIVE) << silence;
    }
}

// A link is cut, and repaired much later. Nobody asks for proof meanwhile; the verdict fell long ago.
TEST(Judge, ComesBackAfterASilenceOfAnyLength) {
    for (const auto silence : kLong) {
        JudgedLink link(3);
        link.exchange(10);
        for (int i = 0; i < 3; ++i) link.send(link.now);
        link.judge(link.now + kMs);
        ASSERT_EQ(link.verdict(), SS_DEAD);
        link.session.tx.sequence += silence;
        link.now += 10 * kMs;
        link.exchange(2);
        EXPECT_EQ(link.verdict(), SS_DEAD) << silence;
        link.exchange(1);
        EXPECT_EQ(link.verdict(), SS_ALIVE) << silence;
    }
}

// A session that gets its first answer after this many probes.
TEST(Judge, IsProvenHoweverLateTheFirstAnswerComes) {
    for (const auto silence : kLong) {
        JudgedLink link(3);
        link.session.tx.sequence += silence;
        link.exchange(3);
        EXPECT_EQ(link.verdict(), SS_ALIVE) << silence;
    }
}

// Times up to the last that leaves room for an allowance in 64 bits; 2^63 ns are 292 years.
TEST(Judge, WorksAtAnyClockTime) {
    constexpr std::array<std::uint64_t, 4> kStarts{0, (1ULL << 32) * 1'000'000'000 - kMs, (1ULL << 63) - 5 * kMs,
                                                   ~0ULL - 1000 * kMs};
    for (const auto start : kStarts) {
        JudgedLink link(3);
        link.now = start;
        link.exchange(10);
        ASSERT_EQ(link.verdict(), SS_ALIVE) << start;
        for (int i = 0; i < 3; ++i) {
            link.now += kMs;
            link.send(link.now);
        }
        EXPECT_EQ(link.judge(link.now), link.now + ss_allowance(&link.session));
        link.judge(link.now + kMs);
        EXPECT_EQ(link.verdict(), SS_DEAD) << start;
    }
}

// For a probe that the ring no longer holds, the send time is computed back by intervals. It must not lie before the
// start of the clock.
TEST(Judge, AnOldProbeHasAnOldSendTime) {
    JudgedLink link(3);
    for (unsigned i = 0; i < SS_SENT_RING; ++i, link.now += kMs) link.send(link.now);
    const auto oldest = link.now - (SS_SENT_RING - 1) * kMs;
    EXPECT_EQ(ss_sent_at(&link.session, 2), oldest);
    EXPECT_EQ(ss_sent_at(&link.session, 1), oldest);
    EXPECT_EQ(ss_sent_at(&link.session, 0), oldest - kMs);
    for (const auto silence : kLong) {
        if (silence < 0x7fffff00) continue;
        auto later = link.session;
        later.tx.sequence += silence;
        EXPECT_EQ(ss_sent_at(&later, 1), 0U) << silence;
    }
}

}  // namespace
}  // namespace sidestep
