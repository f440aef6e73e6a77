// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests session states and their count: repair_active is the number of protecting sessions that are not up, and never
// too low while threads change states.
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

TEST(State, LoweringFromUpCountsOnce) {
    for (const unsigned rank : {SS_DOWN, SS_DEGRADED}) {
        Pair p;
        EXPECT_EQ(ss_state_lower(&p.state, &p.repair, rank), 1);
        EXPECT_EQ(p.state.rank, rank);
        EXPECT_EQ(p.repair.active, 1U);
        EXPECT_EQ(ss_state_lower(&p.state, &p.repair, rank), 0) << "it is there already";
        EXPECT_EQ(p.repair.active, 1U);
    }
}

TEST(State, FromDegradedToDownTheCountStays) {
    Pair p;
    ss_state_lower(&p.state, &p.repair, SS_DEGRADED);
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DOWN), 1);
    EXPECT_EQ(p.repair.active, 1U);
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DEGRADED), 0) << "that would be raising";
    EXPECT_EQ(p.state.rank, SS_DOWN);
}

TEST(State, OnlyTheStepToUpLowersTheCount) {
    Pair p;
    ss_state_lower(&p.state, &p.repair, SS_DOWN);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_DEGRADED), 1);
    EXPECT_EQ(p.repair.active, 1U);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_UP), 0) << "it is no longer down";
    EXPECT_EQ(p.state.rank, SS_DEGRADED);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DEGRADED, SS_UP), 1);
    EXPECT_EQ(p.repair.active, 0U);
}

TEST(State, ASessionThatProtectsNothingIsNotCounted) {
    Pair p;
    p.state.protects = 0;
    EXPECT_EQ(ss_state_lower(&p.state, &p.repair, SS_DOWN), 1);
    EXPECT_EQ(ss_state_raise(&p.state, &p.repair, SS_DOWN, SS_UP), 1);
    EXPECT_EQ(p.repair.active, 0U);
}

// Two threads lower states (tick and detector), one raises them (detector). A fourth reads as the data plane does,
// states before the count: a state that was not up before and was not raised since must be counted.
class Crowd {
  public:
    Crowd() { states_.fill({.rank = SS_UP, .protects = 1}); }

    void lower(unsigned seed, const std::stop_token& stop) {
        std::mt19937 random(seed);
        while (!stop.stop_requested()) ss_state_lower(&states_[random() % states_.size()], &repair_, random() % 2);
    }

    void raise(unsigned seed, const std::stop_token& stop) {
        std::mt19937 random(seed);
        while (!stop.stop_requested()) {
            const auto at = random() % states_.size();
            ++raises_[at];  // odd while it is being raised
            const auto from = SS_READ(states_[at].rank);
            const auto rank = from == SS_DOWN && random() % 2 ? SS_DEGRADED : SS_UP;
            if (from != SS_UP) ss_state_raise(&states_[at], &repair_, from, rank);
            ++raises_[at];
        }
    }

    // Reads until this many states that are not up have been compared with the count.
    void read(std::uint64_t wanted) {
        for (std::uint64_t checks = 0; checks < wanted;) {
            std::array<std::uint32_t, kStates> before{};
            std::array<bool, kStates> is_up{};
            for (std::size_t i = 0; i < kStates; ++i) {
                before[i] = raises_[i];
                is_up[i] = SS_READ(states_[i].rank) == SS_UP;
            }
            const auto active = static_cast<std::int32_t>(__sync_fetch_and_add(&repair_.active, 0));
            std::int32_t not_up = 0;
            for (std::size_t i = 0; i < kStates; ++i) {
                not_up += !is_up[i] && before[i] % 2 == 0 && raises_[i] == before[i];
            }
            checks += static_cast<std::uint64_t>(not_up);
            too_few += active < not_up;
        }
    }

    [[nodiscard]] auto not_up() const {
        return std::ranges::count_if(states_, [](const auto& each) { return each.rank != SS_UP; });
    }
    [[nodiscard]] auto active() const { return repair_.active; }

    std::uint64_t too_few = 0;

  private:
    static constexpr std::size_t kStates = 3;
    std::array<ss_session_state, kStates> states_{};
    ss_repair_state repair_{};
    std::array<std::atomic<std::uint32_t>, kStates> raises_{};
};

TEST(State, TheCountIsNeverTooLow) {
    Crowd crowd;
    {
        const std::jthread tick([&](const std::stop_token& stop) { crowd.lower(1, stop); });
        const std::jthread netlink([&](const std::stop_token& stop) { crowd.lower(2, stop); });
        const std::jthread detector([&](const std::stop_token& stop) { crowd.raise(3, stop); });
        crowd.read(300'000);
    }
    EXPECT_EQ(crowd.too_few, 0U);
    EXPECT_EQ(crowd.active(), crowd.not_up()) << "at rest the count is exact";
}

}  // namespace
}  // namespace sidestep
