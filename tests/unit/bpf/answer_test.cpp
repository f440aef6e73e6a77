// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an answer leaves behind: window, refusals, round-trip times. The window is compared with a set of sequences.
#include "bpf/lib/answer.h"

#include <cstring>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

constexpr std::uint32_t kRecorded = 0;

std::uint32_t refused(ss_reject reason) {
    return static_cast<std::uint32_t>(reason) + 1;
}

// An answer that took `rtt`.
std::uint32_t answer(ss_session_rx& rx, std::uint32_t last_sent, std::uint32_t sequence, std::uint64_t rtt = 1000) {
    return ss_record_answer(&rx, last_sent, sequence, 1'000'000 + rtt, 1'000'000);
}

TEST(Answer, RefusesWithoutATrace) {
    ss_session_rx rx{};
    ASSERT_EQ(answer(rx, 100, 100), kRecorded);
    const auto before = rx;
    EXPECT_EQ(answer(rx, 100, 100), refused(SS_REJECT_REPLAYED));
    EXPECT_EQ(answer(rx, 100, 101), refused(SS_REJECT_NOT_SENT));
    EXPECT_EQ(answer(rx, 100, 36), refused(SS_REJECT_TOO_OLD));
    EXPECT_EQ(answer(rx, 100, 100 - 0x80000000), refused(SS_REJECT_NOT_SENT)) << "half the sequence space away";
    EXPECT_EQ(std::memcmp(&before, &rx, sizeof(rx)), 0);
    EXPECT_EQ(answer(rx, 100, 37), kRecorded) << "the oldest that the window holds";
    EXPECT_EQ(rx.window, 1ULL << 63 | 1);
    EXPECT_EQ(rx.newest, 100U);
}

TEST(Answer, WindowAgreesWithASetOfSequences) {
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return static_cast<std::int64_t>(random() % limit); };
    for (const std::uint32_t start : {0U, 0x7fffff00U, 0xffffff00U}) {
        ss_session_rx rx{};
        rx.newest = start;
        std::set<std::int64_t> seen;
        std::int64_t newest = 0;
        std::int64_t sent = 0;
        for (int i = 0; i < 20'000; ++i) {
            sent += below(3) == 0 ? below(100) : below(2);
            const std::int64_t number = sent - (below(4) == 0 ? below(100) : below(3));
            const auto wire = start + static_cast<std::uint32_t>(number);
            const auto result = answer(rx, start + static_cast<std::uint32_t>(sent), wire);
            if (number <= newest - 64) {
                ASSERT_EQ(result, refused(SS_REJECT_TOO_OLD));
            } else if (number < 0 || (number == 0 && newest == 0)) {
                seen.insert(number);  // before the story began
            } else {
                ASSERT_EQ(result, seen.insert(number).second ? kRecorded : refused(SS_REJECT_REPLAYED)) << number;
                newest = std::max(newest, number);
                ASSERT_EQ(rx.newest, start + static_cast<std::uint32_t>(newest));
            }
        }
    }
}

// A link that comes back after 2^31 and more unanswered probes: 25 days at 1 ms, 60 hours at 100 us.
TEST(Answer, IsHeardAfterTheLongestSilence) {
    for (const std::uint32_t silence : {0x7fffffffU, 0x80000000U, 0x80000001U, 0xc0000000U, 0xfffffff0U}) {
        ss_session_rx rx{};
        ASSERT_EQ(answer(rx, 500, 500), kRecorded);
        EXPECT_EQ(answer(rx, 500 + silence, 500 + silence), kRecorded) << silence;
        EXPECT_EQ(rx.newest, 500 + silence);
        EXPECT_EQ(rx.window, 1U) << "none of the silence was answered";
        EXPECT_EQ(answer(rx, 500 + silence, 500),
                  refused(silence >= 0x80000000 ? SS_REJECT_NOT_SENT : SS_REJECT_TOO_OLD));
    }
}

TEST(Answer, SmoothsRoundTripsAsRfc6298Does) {
    ss_session_rx rx{};
    answer(rx, 9, 1, 8000);
    EXPECT_EQ(rx.smoothed_rtt_ns, 8000U);
    EXPECT_EQ(rx.rtt_variation_ns, 4000U);
    EXPECT_EQ(rx.allowance_ns, 8000U + 4 * 4000);
    answer(rx, 9, 2, 16000);  // 3/4 x 4000 + 1/4 x 8000, 7/8 x 8000 + 1/8 x 16000
    EXPECT_EQ(rx.rtt_ns, 16000U);
    EXPECT_EQ(rx.rtt_variation_ns, 5000U);
    EXPECT_EQ(rx.smoothed_rtt_ns, 9000U);
    EXPECT_EQ(rx.allowance_ns, 9000U + 4 * 5000);
    EXPECT_EQ(rx.answered, 2U);
    EXPECT_EQ(rx.last_answer_ns, 1'016'000U);
}

TEST(Answer, AClockThatStepsBackIsARoundTripOfNothing) {
    ss_session_rx rx{};
    ASSERT_EQ(ss_record_answer(&rx, 1, 1, 1000, 2000), kRecorded);
    EXPECT_EQ(rx.rtt_ns, 0U);
    EXPECT_EQ(rx.rtt_histogram[0], 1U);
}

TEST(Answer, HistogramCountsByPowersOfTwo) {
    const auto bucket = [](std::uint64_t microseconds) {
        ss_session_rx rx{};
        ss_record_rtt(&rx, microseconds * 1000);
        for (unsigned i = 0; i < SS_RTT_BUCKETS; ++i) {
            if (rx.rtt_histogram[i]) return i;
        }
        return ~0U;
    };
    EXPECT_EQ(bucket(0), 0U);
    for (unsigned i = 0; i < SS_RTT_BUCKETS; ++i) {
        EXPECT_EQ(bucket(1ULL << i), i);
        EXPECT_EQ(bucket((2ULL << i) - 1), i);
    }
    EXPECT_EQ(bucket(1ULL << 40), SS_RTT_BUCKETS - 1U);
}

}  // namespace
}  // namespace sidestep
