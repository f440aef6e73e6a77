// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the verdict: cases by hand, then two properties over simulated links. Losses of fewer than `multiplier` probes
// in a row, delays within the allowance, reordering and a stalling clock never make a session dead; a cut always does,
// in time.
#include "bpf/lib/judge.h"

#include <algorithm>
#include <array>
#include <functional>
#include <queue>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/answer.h"

namespace sidestep {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kUs = 1'000;

// A session, with the parts of the tick and the probe receiver.
struct Link {
    explicit Link(std::uint16_t multiplier, std::uint64_t start = 0) {
        session.conf.multiplier = multiplier;
        session.conf.up_count = 3;
        session.conf.interval_ns = kMs;
        session.conf.allowance_ns = 200 * kUs;
        session.tx.sequence = start;
        session.tx.proof_from = start + 1;
        session.rx.newest = start;
    }

    void send(std::uint64_t at) {
        const auto sequence = ++session.tx.sequence;
        session.tx.sent_at_ns[sequence % SS_SENT_RING] = at;
    }

    void answer(std::uint64_t sequence, std::uint64_t at, std::uint64_t sent) {
        ASSERT_EQ(ss_record_answer(&session, static_cast<std::uint32_t>(sequence), at, sent), 0U) << sequence;
    }

    // Sends and answers probes, one per interval; they take 100 us.
    void exchange(unsigned count) {
        for (; count > 0; --count, now += kMs) {
            send(now);
            judge(now);
            answer(session.tx.sequence, now + 100 * kUs, now);
        }
        judge(now);
    }

    // Judges as the tick does; returns when the session must be looked at again.
    std::uint64_t judge(std::uint64_t at) {
        const auto result = ss_judge(&session, at);
        if (result.verdict != session.tx.verdict) {
            session.tx.verdict = result.verdict;
            session.tx.verdict_ns = at;
            if (result.verdict == SS_DEAD) session.tx.proof_from = session.tx.sequence + 1;
        }
        return result.revisit_ns;
    }

    void ask_proof(std::uint64_t at) {
        session.tx.verdict = SS_UNPROVEN;
        session.tx.verdict_ns = at;
        session.tx.proof_from = session.tx.sequence + 1;
    }

    [[nodiscard]] unsigned verdict() const { return session.tx.verdict; }

    ss_session session{};
    std::uint64_t now = 1000 * kMs;
};

class JudgeMultiplier : public testing::TestWithParam<std::tuple<std::uint16_t, std::uint64_t>> {};

//   multiplier 3:   n answered   n+1   n+2   n+3 = accused, sent at t
//                                                 dead from t + allowance on, not before
TEST_P(JudgeMultiplier, DeadWhenTheAccusedProbeHadItsTime) {
    const auto [multiplier, start] = GetParam();
    Link link(multiplier, start);
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
        Link link(multiplier, start);
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
    Link link(3);
    for (int i = 0; i < 1000; ++i, link.now += kMs) {
        link.send(link.now);
        EXPECT_EQ(link.judge(link.now), 0U);
        ASSERT_EQ(link.verdict(), SS_UNPROVEN);
    }
}

TEST(Judge, NeedsUpCountAnswersInARow) {
    Link link(3);
    link.exchange(2);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
    link.send(link.now);  // lost
    link.exchange(2);
    EXPECT_EQ(link.verdict(), SS_UNPROVEN);
    link.exchange(1);
    EXPECT_EQ(link.verdict(), SS_ALIVE);
}

TEST(Judge, AfterAnEpochOnlyFreshAnswersProve) {
    Link link(3);
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
    Link link(3);
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
        Link link(3);
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
        Link link(3);
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
        Link link(3);
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
        Link link(3);
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
    Link link(3);
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

// --- properties --------------------------------------------------------------------------------------------------

// How a link treats probes; drawn at random.
struct Weather {
    std::uint64_t interval, tick, floor;    // floor is the configured allowance
    std::uint64_t delay_least, delay_most;  // below the floor
    unsigned multiplier, loss_percent;      // never `multiplier` in a row
    unsigned stall_percent, stall_ticks;    // of the clock
    std::uint64_t start;
};

Weather draw(std::mt19937_64& random, std::uint64_t intervals_of_delay) {
    const auto up_to = [&](std::uint64_t most) { return random() % (most + 1); };
    Weather weather{};
    weather.interval = 100 * kUs << up_to(4);
    weather.tick = weather.interval >> up_to(3);
    weather.floor = 50 * kUs + up_to(intervals_of_delay * weather.interval);
    weather.delay_most = weather.floor - 1;
    weather.delay_least = weather.delay_most * (10 - up_to(2) * up_to(5)) / 10;  // steady, or varying widely
    weather.multiplier = 1 + static_cast<unsigned>(up_to(4));
    weather.loss_percent = static_cast<unsigned>(up_to(60));
    weather.start = up_to(1) ? random() % (1ULL << 50) : (1ULL << 32) - up_to(2000);
    return weather;
}

class Simulation {
  public:
    Simulation(const Weather& weather, std::mt19937_64& random)
        : weather_(weather), random_(random), link_(static_cast<std::uint16_t>(weather.multiplier), weather.start) {
        link_.session.conf.interval_ns = weather.interval;
        link_.session.conf.allowance_ns = weather.floor;
        link_.session.conf.up_count = 1;
        done_ = now_ / weather.interval;
    }

    // Ticks until `end`, or until the session is dead.
    void run_until(std::uint64_t end) {
        while (now_ < end && link_.verdict() != SS_DEAD) {
            now_ += weather_.tick;
            if (random_() % 100 < weather_.stall_percent) now_ += random_() % weather_.stall_ticks * weather_.tick;
            tick();
        }
    }

    // From now on, no new probe gets through.
    void cut() { is_cut_ = true; }

    [[nodiscard]] unsigned verdict() const { return link_.verdict(); }
    [[nodiscard]] std::uint64_t now() const { return now_; }
    [[nodiscard]] std::uint64_t allowance() const { return ss_allowance(&link_.session); }
    [[nodiscard]] std::uint64_t first_unanswered_sent() const {
        return sent_.at(link_.session.rx.newest - weather_.start);
    }

  private:
    using Arrival = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;  // when, sequence, sent

    void tick() {
        for (; !flying_.empty() && std::get<0>(flying_.top()) <= now_; flying_.pop()) {
            const auto& [when, sequence, sent] = flying_.top();
            // A probe overtaken by more than the window is refused; no verdict depends on it.
            ss_record_answer(&link_.session, static_cast<std::uint32_t>(sequence), when, sent);
        }
        link_.judge(now_);
        if (now_ / weather_.interval > done_) probe();
        done_ = now_ / weather_.interval;
        link_.judge(now_);
    }

    void probe() {
        link_.send(now_);
        sent_.push_back(now_);
        const bool lost = is_cut_ || (lost_ + 1 < weather_.multiplier && random_() % 100 < weather_.loss_percent);
        lost_ = lost ? lost_ + 1 : 0;
        const auto delay = weather_.delay_least + random_() % (weather_.delay_most - weather_.delay_least + 1);
        if (!lost) flying_.emplace(now_ + delay, link_.session.tx.sequence, now_);
    }

    Weather weather_;
    std::mt19937_64& random_;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> flying_;
    std::vector<std::uint64_t> sent_;  // by sequence since the start
    std::uint64_t now_ = 10'000 * kMs;
    std::uint64_t done_ = 0;
    unsigned lost_ = 0;
    bool is_cut_ = false;
    Link link_;
};

class JudgeProperty : public testing::TestWithParam<std::uint64_t> {};  // longest delay, in intervals

TEST_P(JudgeProperty, NeverDeadWhileLossesDelaysAndStallsAreWithinBounds) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937_64 random(seed);
        auto weather = draw(random, GetParam());
        weather.stall_percent = static_cast<unsigned>(random() % 5);
        weather.stall_ticks = static_cast<unsigned>(1 + random() % 1000);
        Simulation simulation(weather, random);
        simulation.run_until(simulation.now() + 800 * weather.interval + 4 * weather.floor);
        ASSERT_EQ(simulation.verdict(), SS_ALIVE) << "seed " << seed;
    }
}

TEST_P(JudgeProperty, ACutIsDeadInTime) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937_64 random(seed);
        const auto weather = draw(random, GetParam());
        Simulation simulation(weather, random);
        simulation.run_until(simulation.now() + 4 * weather.floor + 300 * weather.interval + random() % (100 * kMs));
        ASSERT_EQ(simulation.verdict(), SS_ALIVE) << "seed " << seed;
        simulation.cut();
        simulation.run_until(simulation.now() + 100'000 * kMs);
        ASSERT_EQ(simulation.verdict(), SS_DEAD) << "seed " << seed;

        auto bound = (weather.multiplier - 1) * weather.interval + simulation.allowance() + weather.tick;
        // The ring of send times reaches back only so far; older times are known to within an interval.
        const auto oldest = (SS_SENT_RING - 2 - weather.multiplier) * weather.interval;
        if (simulation.allowance() > oldest) bound += weather.interval;
        EXPECT_LE(simulation.now() - simulation.first_unanswered_sent(), bound) << "seed " << seed;
    }
}

INSTANTIATE_TEST_SUITE_P(DelayInIntervals, JudgeProperty, testing::Values(0, 1, 10, 200),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace sidestep
