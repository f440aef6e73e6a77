// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests gray failures: how many of the last 64 probes were lost, how slow the rest are, and the hysteresis in recovery.
#include <gtest/gtest.h>

#include "bpf/lib/judge.h"

namespace sidestep {
namespace {

/// A live session with 100 probes, numbered from `first`. Of the newest 64, all but `lost` are answered.
ss_session with_loss(unsigned lost, std::uint64_t first = 1) {
    ss_session session{};
    session.conf.loss_limit = 5;
    session.tx.verdict = SS_ALIVE;
    session.tx.proof_from = first;
    session.tx.sequence = first + 99;
    for (unsigned age = 64; age-- > 0;) {
        const bool is_lost = age % 3 == 1 && age / 3 < lost;
        if (!is_lost) ss_record_answer(&session, static_cast<std::uint32_t>(session.tx.sequence - age), 2000, 1000);
    }
    return session;
}

TEST(Quality, CountsLossInAFullWindowOnly) {
    auto session = with_loss(7);
    EXPECT_EQ(ss_lost(&session), 7U);
    session.tx.proof_from = 100 - 62;
    EXPECT_EQ(ss_lost(&session), 0U) << "63 probes in this epoch";
    session.tx.proof_from = 100 - 63;
    EXPECT_EQ(ss_lost(&session), 7U);
}

// A session that has been up for this many probes since it was proven.
TEST(Quality, CountsLossHoweverLongItHasBeenUp) {
    for (const std::uint64_t up :
         {0x7fffff00ULL, 0x7fffffffULL, 0x80000000ULL, 0xffffffffULL, 1ULL << 32, 1ULL << 51}) {
        auto session = with_loss(7, up);
        session.tx.proof_from = 1;
        EXPECT_EQ(ss_lost(&session), 7U) << up;
        EXPECT_EQ(ss_quality(&session), SS_LOSSY) << up;
    }
}

TEST(Quality, LossyAboveTheLimitGoodAgainAtHalf) {
    auto session = with_loss(5);
    EXPECT_EQ(ss_quality(&session), SS_GOOD);
    session = with_loss(6);
    EXPECT_EQ(ss_quality(&session), SS_LOSSY);
    session = with_loss(3);
    session.tx.quality = SS_LOSSY;
    EXPECT_EQ(ss_quality(&session), SS_LOSSY);
    session = with_loss(2);
    session.tx.quality = SS_LOSSY;
    EXPECT_EQ(ss_quality(&session), SS_GOOD);
}

TEST(Quality, SlowAboveTheLimitGoodAgainAtSevenEighths) {
    auto session = with_loss(0);
    session.conf.rtt_limit_ns = 8000;
    session.rx.smoothed_rtt_ns = 8000;
    EXPECT_EQ(ss_quality(&session), SS_GOOD);
    session.rx.smoothed_rtt_ns = 8001;
    EXPECT_EQ(ss_quality(&session), SS_SLOW);
    session.tx.quality = SS_SLOW;
    session.rx.smoothed_rtt_ns = 7001;
    EXPECT_EQ(ss_quality(&session), SS_SLOW);
    session.rx.smoothed_rtt_ns = 7000;
    EXPECT_EQ(ss_quality(&session), SS_GOOD);
}

TEST(Quality, WithoutLimitsEverythingIsGood) {
    auto session = with_loss(20);
    session.conf.loss_limit = SS_NO_LOSS_LIMIT;
    session.rx.smoothed_rtt_ns = 1'000'000'000;
    EXPECT_EQ(ss_quality(&session), SS_GOOD);
}

}  // namespace
}  // namespace sidestep
