// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the verdict over simulated links. Losses of fewer than `multiplier` probes in a row, delays within the
// allowance, reordering and a stalling clock never make a session dead; a cut always does, in time.
#include <functional>
#include <queue>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/bpf/judged_link.hpp"

namespace sidestep {
namespace {

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
    JudgedLink link_;
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
