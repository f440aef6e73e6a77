// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Words and their gate: the gate counts the protecting words that are not up, and never too few while threads change
// them.
#include "bpf/lib/session_state.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

struct Pair {
    ss_session_state state{.rank = SS_UP, .protects = 1};
    ss_repair_state repair{};
};

TEST(State, LoweringFromUpClosesTheGateOnce) {
    for (const unsigned rank : {SS_DOWN, SS_DEGRADED}) {
        Pair p;
        EXPECT_EQ(ss_state_lower(&p.state, &p.repair, rank), 1);
        EXPECT_EQ(p.state.rank, rank);
        EXPECT_EQ(p.repair.active, 1U);
        EXPECT_EQ(ss_state_lower(&p.state, &p.repair, rank), 0) << "it is there already";
        EXPECT_EQ(p.repair.active, 1U);
    }
}

TEST(State, FromDegradedToDownTheGateStays) {
    Pair p;
    ss_state_lower(&p.state, &p.repair, SS_DEGRADED);
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DOWN), 1);
    EXPECT_EQ(p.repair.active, 1U);
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DEGRADED), 0) << "that would be raising";
    EXPECT_EQ(p.state.rank, SS_DOWN);
}

TEST(State, OnlyTheStepToUpOpensTheGate) {
    Pair p;
    ss_state_lower(&p.state, &p.repair, SS_DOWN);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_DEGRADED), 1);
    EXPECT_EQ(p.repair.active, 1U);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_UP), 0) << "it is no longer down";
    EXPECT_EQ(p.state.rank, SS_DEGRADED);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DEGRADED, SS_UP), 1);
    EXPECT_EQ(p.repair.active, 0U);
}

TEST(State, OneThatGatesNothingLeavesTheGateOpen) {
    Pair p;
    p.state.protects = 0;
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DOWN), 1);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_UP), 1);
    EXPECT_EQ(p.repair.active, 0U);
}

// Two threads lower words (tick and detector), one raises them (detector). One reads as the data plane does, words
// before the gate: a state that was not up before and was not raised since must be counted.
class Crowd {
  public:
    Crowd() { words_.fill({.rank = SS_UP, .protects = 1}); }

    void lower(unsigned seed, const std::stop_token& stop) {
        std::mt19937 random(seed);
        while (!stop.stop_requested()) ss_state_lower(&words_[random() % words_.size()], &gate_, random() % 2);
    }

    void raise(unsigned seed, const std::stop_token& stop) {
        std::mt19937 random(seed);
        while (!stop.stop_requested()) {
            const auto at = random() % words_.size();
            ++raises_[at];  // odd: one is under way
            const auto from = SS_READ(words_[at].rank);
            const auto rank = from == SS_DOWN && random() % 2 ? SS_DEGRADED : SS_UP;
            if (from != SS_UP) ss_state_raise(&words_[at], &gate_, from, rank);
            ++raises_[at];
        }
    }

    // Until so many words that were not up have been looked for in the count.
    void read(std::uint64_t wanted) {
        for (std::uint64_t checks = 0; checks < wanted;) {
            std::array<std::uint32_t, kWords> before{};
            std::array<bool, kWords> is_up{};
            for (std::size_t i = 0; i < kWords; ++i) {
                before[i] = raises_[i];
                is_up[i] = SS_READ(words_[i].rank) == SS_UP;
            }
            const auto closed = static_cast<std::int32_t>(__sync_fetch_and_add(&gate_.active, 0));
            std::int32_t not_up = 0;
            for (std::size_t i = 0; i < kWords; ++i) {
                not_up += !is_up[i] && before[i] % 2 == 0 && raises_[i] == before[i];
            }
            checks += static_cast<std::uint64_t>(not_up);
            too_few += closed < not_up;
        }
    }

    [[nodiscard]] auto not_up() const {
        return std::ranges::count_if(words_, [](const auto& state) { return state.rank != SS_UP; });
    }
    [[nodiscard]] auto closed() const { return gate_.active; }

    std::uint64_t too_few = 0;

  private:
    static constexpr std::size_t kWords = 3;
    std::array<ss_session_state, kWords> words_{};
    ss_repair_state gate_{};
    std::array<std::atomic<std::uint32_t>, kWords> raises_{};
};

TEST(State, GateNeverCountsTooFew) {
    Crowd crowd;
    {
        const std::jthread tick([&](const std::stop_token& stop) { crowd.lower(1, stop); });
        const std::jthread netlink([&](const std::stop_token& stop) { crowd.lower(2, stop); });
        const std::jthread detector([&](const std::stop_token& stop) { crowd.raise(3, stop); });
        crowd.read(300'000);
    }
    EXPECT_EQ(crowd.too_few, 0U);
    EXPECT_EQ(crowd.closed(), crowd.not_up()) << "at rest the count is exact";
}

}  // namespace
}  // namespace sidestep
