// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the record of answers: window, refusals, round-trip times. The window is compared with a set of sequence
// numbers.
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

// A session that has sent this many probes.
ss_session sent(std::uint64_t last) {
    ss_session session{};
    session.conf.interval_ns = 1'000'000;
    session.tx.sequence = last;
    return session;
}

// An answer with a round trip of `rtt`.
std::uint32_t answer(ss_session& session, std::uint64_t sequence, std::uint64_t rtt = 1000) {
    return ss_record_answer(&session, static_cast<std::uint32_t>(sequence), 1'000'000 + rtt, 1'000'000);
}

TEST(Answer, RefusalsChangeNothing) {
    auto session = sent(100);
    ASSERT_EQ(answer(session, 100), kRecorded);
    const auto before = session.rx;
    EXPECT_EQ(answer(session, 100), refused(SS_REJECT_REPLAYED));
    EXPECT_EQ(answer(session, 101), refused(SS_REJECT_NOT_SENT));
    EXPECT_EQ(answer(session, 36), refused(SS_REJECT_TOO_OLD));
    EXPECT_EQ(answer(session, 0), refused(SS_REJECT_NOT_SENT)) << "the first probe is 1";
    EXPECT_EQ(answer(session, 100 - 0x80000000), refused(SS_REJECT_NOT_SENT)) << "half the numbers away";
    EXPECT_EQ(std::memcmp(&before, &session.rx, sizeof before), 0);
    EXPECT_EQ(answer(session, 37), kRecorded) << "the oldest that the window holds";
    EXPECT_EQ(ss_window(&session.rx, 100), 1ULL << 63 | 1);
    EXPECT_EQ(session.rx.newest, 100U);
}

TEST(Answer, WindowAgreesWithASetOfSequences) {
    std::mt19937 random(7);
    const auto below = [&](unsigned limit) { return random() % limit; };
    for (const std::uint64_t start : {0ULL, 0x7fffff00ULL, 0xffffff00ULL, (1ULL << 52) - 1'000'000}) {
        auto session = sent(start);
        std::set<std::uint64_t> seen;
        std::uint64_t newest = 0;
        for (int i = 0; i < 20'000; ++i) {
            auto& last = session.tx.sequence;
            last += below(3) == 0 ? below(100) : below(2);
            const std::uint64_t number = last - (below(4) == 0 ? below(100) : below(3));
            if (number == 0 || number > last) continue;  // before the first probe
            const auto result = answer(session, number);
            if (number + 64 <= newest) {
                ASSERT_EQ(result, refused(SS_REJECT_TOO_OLD));
                continue;
            }
            ASSERT_EQ(result, seen.insert(number).second ? kRecorded : refused(SS_REJECT_REPLAYED)) << number;
            newest = std::max(newest, number);
            ASSERT_EQ(session.rx.newest, newest);
            std::uint64_t window = 0;
            for (unsigned age = 0; age < 64 && age <= newest; ++age) {
                window |= static_cast<std::uint64_t>(seen.contains(newest - age)) << age;
            }
            ASSERT_EQ(ss_window(&session.rx, newest), window) << number;
        }
    }
}

// A link that comes back after 2^31 and more unanswered probes: 25 days at 1 ms, 60 hours at 100 us.
TEST(Answer, IsRecordedAfterTheLongestSilence) {
    for (const std::uint64_t silence : {0x7fffffffULL, 0x80000000ULL, 0x80000001ULL, 0xc0000000ULL, 0xfffffff0ULL,
                                        0xffffffffULL, 1ULL << 32, (1ULL << 32) + 1, 5ULL << 32, 1ULL << 51}) {
        auto session = sent(500);
        ASSERT_EQ(answer(session, 500), kRecorded);
        session.tx.sequence += silence;
        EXPECT_EQ(answer(session, 500 + silence), kRecorded) << silence;
        EXPECT_EQ(session.rx.newest, 500 + silence);
        EXPECT_EQ(ss_window(&session.rx, 500 + silence), 1U) << "none of the silence was answered";
        const auto now = silence * session.conf.interval_ns;
        EXPECT_NE(ss_record_answer(&session, 500, now, 0), kRecorded) << silence;
    }
}

// A probe that was held back, by accident or on purpose, until a later probe has its number: its MAC is valid.
TEST(Answer, OfAProbe32BitsAgoIsRefused) {
    constexpr std::uint64_t kLap = 1ULL << 32;
    constexpr std::uint64_t kMs = 1'000'000;
    auto session = sent(kLap + 500);
    const std::uint64_t now = (kLap + 1000) * kMs;
    EXPECT_EQ(ss_record_answer(&session, 500, now, 1000 * kMs), refused(SS_REJECT_TOO_OLD));
    EXPECT_EQ(session.rx.answered, 0U);
    EXPECT_EQ(ss_record_answer(&session, 499, now, now - 60'000 * kMs), kRecorded) << "a minute late";
}

TEST(Answer, SmoothsRoundTripsAsRfc6298Does) {
    auto session = sent(9);
    const auto& rx = session.rx;
    answer(session, 1, 8000);
    EXPECT_EQ(rx.smoothed_rtt_ns, 8000U);
    EXPECT_EQ(rx.rtt_variation_ns, 4000U);
    EXPECT_EQ(rx.allowance_ns, 8000U + 4 * 4000);
    answer(session, 2, 16000);  // 3/4 x 4000 + 1/4 x 8000, 7/8 x 8000 + 1/8 x 16000
    EXPECT_EQ(rx.rtt_ns, 16000U);
    EXPECT_EQ(rx.rtt_variation_ns, 5000U);
    EXPECT_EQ(rx.smoothed_rtt_ns, 9000U);
    EXPECT_EQ(rx.allowance_ns, 9000U + 4 * 5000);
    EXPECT_EQ(rx.answered, 2U);
    EXPECT_EQ(rx.last_answer_ns, 1'016'000U);
}

TEST(Answer, AClockThatStepsBackGivesARoundTripOfZero) {
    auto session = sent(1);
    ASSERT_EQ(ss_record_answer(&session, 1, 1000, 2000), kRecorded);
    EXPECT_EQ(session.rx.rtt_ns, 0U);
    EXPECT_EQ(session.rx.rtt_histogram[0], 1U);
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
