// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests states and their count step by step. session_state.h is compiled with atomic operations of the test's own,
// which check the count after each step and let a second operation run in between. So every interleaving of one
// operation with another whole one is tried.
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace {

int steps_left = -1;             // until the other CPU runs
std::function<void()> intruder;  // the other CPU
std::function<void()> check_count;
bool is_swap = false;  // the step is a compare-and-swap

void step() {
    if (steps_left-- == 0) intruder();  // its own steps are not interrupted
}

template <typename T, typename V>
T add(T* at, V value) {
    step();
    const T before = *at;
    *at += static_cast<T>(value);
    check_count();
    return before;
}

template <typename T, typename V>
T compare_and_swap(T* at, V expected, V wanted) {
    is_swap = true;
    step();
    is_swap = false;
    const T before = *at;
    if (before == expected) *at = wanted;
    check_count();
    return before;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier)
#define __sync_fetch_and_add add
#define __sync_val_compare_and_swap compare_and_swap
// NOLINTEND(bugprone-reserved-identifier)
#include "bpf/lib/session_state.h"

namespace sidestep {
namespace {

ss_session_state state;
ss_repair_state repair;

// How many states must be counted: at least this many at any time, and exactly this many at rest.
unsigned wanted() {
    return state.protects && state.rank != SS_UP ? 1 : 0;
}

struct Operation {
    bool is_detector;
    std::function<int()> run;
};

constexpr unsigned kRankCount = SS_UP + 1;

TEST(SessionStateSteps, TheCountIsNeverTooLow) {
    const auto protecting = [](unsigned protects) {
        ss_state_set_protects(&state, &repair, protects);
        return 0;
    };
    const std::vector<Operation> operations{
        {false, [] { return ss_state_lower(&state, &repair, SS_DOWN); }},
        {false, [] { return ss_state_lower(&state, &repair, SS_DEGRADED); }},
        {true, [] { return ss_state_raise(&state, &repair, SS_DOWN, SS_DEGRADED); }},
        {true, [] { return ss_state_raise(&state, &repair, SS_DOWN, SS_UP); }},
        {true, [] { return ss_state_raise(&state, &repair, SS_DOWN, SS_WAITING); }},
        {true, [] { return ss_state_raise(&state, &repair, SS_WAITING, SS_UP); }},
        {true, [] { return ss_state_raise(&state, &repair, SS_DEGRADED, SS_UP); }},
        {true, [&] { return protecting(1); }},
        {true, [&] { return protecting(0); }},
    };
    check_count = [] { ASSERT_GE(static_cast<int>(repair.active), static_cast<int>(wanted())); };
    for (std::size_t one = 0; one < operations.size(); ++one) {
        for (std::size_t other = 0; other < operations.size(); ++other) {
            if (operations[one].is_detector && operations[other].is_detector) continue;  // the detector is one thread
            for (unsigned start = 0; start < 2 * kRankCount; ++start) {
                for (int at = 0; at < 8; ++at) {
                    SCOPED_TRACE(testing::Message() << one << " and " << other << " from " << start << " at " << at);
                    state = {.rank = start % kRankCount, .protects = start / kRankCount};
                    repair.active = wanted();
                    int changes = 0;
                    intruder = [&] { changes += operations[other].run(); };
                    steps_left = at;
                    changes += operations[one].run();
                    EXPECT_EQ(repair.active, wanted()) << "at rest the count is exact";
                    EXPECT_TRUE(changes == 2 || (state.rank != start % kRankCount) == (changes == 1))
                        << "it tells what it did";
                }
            }
        }
    }
    steps_left = -1;
}

// If the state changed before each attempt, the operation gives up and takes back what it counted.
TEST(SessionStateSteps, GivingUpLeavesTheCountExact) {
    check_count = [] { ASSERT_GE(repair.active, state.rank != SS_UP ? 1U : 0U); };
    for (const unsigned start : {SS_DEGRADED, SS_UP}) {
        state = {.rank = start, .protects = 1};
        repair.active = start != SS_UP ? 1 : 0;
        intruder = [] {
            const bool changes = std::exchange(is_swap, false);
            if (changes && !ss_state_lower(&state, &repair, SS_DEGRADED))
                ss_state_raise(&state, &repair, SS_DEGRADED, SS_UP);
            steps_left = 0;  // and again
        };
        steps_left = 0;
        EXPECT_EQ(ss_state_lower(&state, &repair, SS_DOWN), 0);
        steps_left = -1;
        EXPECT_NE(state.rank, SS_DOWN);
        EXPECT_EQ(repair.active, state.rank != SS_UP ? 1U : 0U);
    }
}

}  // namespace
}  // namespace sidestep
