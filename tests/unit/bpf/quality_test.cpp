// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gray failures: how many of the last 64 probes were lost, how slow the rest are, and the hysteresis on the way back.
#include <gtest/gtest.h>

#include "bpf/lib/judge.h"

namespace sidestep {
namespace {

/// A live session of which the newest 64 probes are answered but for `lost`.
ss_session with_loss(unsigned lost) {
    ss_session session{};
    session.conf.loss_limit = 5;
    session.tx.verdict = SS_ALIVE;
    session.tx.proof_from = 1;
    session.tx.sequence = 100;
    session.rx.newest = 100;
    session.rx.window = ~0ULL;
    for (unsigned i = 0; i < lost; ++i) session.rx.window &= ~(2ULL << (i * 3));
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
