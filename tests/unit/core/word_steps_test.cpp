// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Words and their gate, step by step: word.h is compiled with atomic operations of our own, which check the count after
// each and let a second operation run in between. So every interleaving of one operation with another whole one is
// tried.
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace {

int steps_left = -1;             // until the intruder runs
std::function<void()> intruder;  // the other CPU
std::function<void()> check_count;

void step() {
    if (steps_left-- == 0) intruder();
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
    step();
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
#include "bpf/lib/word.h"

namespace sidestep {
namespace {

ss_word word;
ss_gate gate;

using Operation = std::function<int()>;

TEST(WordSteps, NoInterleavingCountsTooFew) {
    const std::vector<Operation> operations{
        [] { return ss_word_lower(&word, &gate, SS_DOWN); },
        [] { return ss_word_lower(&word, &gate, SS_DEGRADED); },
        [] { return ss_word_raise(&word, &gate, SS_DOWN, SS_DEGRADED); },
        [] { return ss_word_raise(&word, &gate, SS_DOWN, SS_UP); },
        [] { return ss_word_raise(&word, &gate, SS_DEGRADED, SS_UP); },
    };
    check_count = [] { ASSERT_GE(gate.closed, word.rank != SS_UP ? 1U : 0U); };
    for (std::size_t one = 0; one < operations.size(); ++one) {
        for (std::size_t other = 0; other < operations.size(); ++other) {
            for (const unsigned start : {SS_DOWN, SS_DEGRADED, SS_UP}) {
                for (int at = 0; at < 6; ++at) {
                    SCOPED_TRACE(testing::Message() << one << " and " << other << " from " << start << " at " << at);
                    word = {.rank = start, .gates = 1};
                    gate.closed = start != SS_UP ? 1 : 0;
                    int changes = 0;
                    intruder = [&] { changes += operations[other](); };
                    steps_left = at;
                    changes += operations[one]();
                    EXPECT_EQ(gate.closed, word.rank != SS_UP ? 1U : 0U) << "at rest the count is exact";
                    if (changes == 2) continue;
                    EXPECT_EQ(word.rank != start, changes == 1) << "what it returns is what it did";
                }
            }
        }
    }
}

// Whoever finds the word changed before each attempt leaves it to the next beat, and takes back what it counted.
TEST(WordSteps, GivingUpLeavesTheCountExact) {
    check_count = [] { ASSERT_GE(gate.closed, word.rank != SS_UP ? 1U : 0U); };
    for (const unsigned start : {SS_DEGRADED, SS_UP}) {
        word = {.rank = start, .gates = 1};
        gate.closed = start != SS_UP ? 1 : 0;
        intruder = [calls = 0]() mutable {
            if (calls++ > 0 && !ss_word_lower(&word, &gate, SS_DEGRADED))
                ss_word_raise(&word, &gate, SS_DEGRADED, SS_UP);
            steps_left = 0;  // and again
        };
        steps_left = 0;
        EXPECT_EQ(ss_word_lower(&word, &gate, SS_DOWN), 0);
        steps_left = -1;
        EXPECT_NE(word.rank, SS_DOWN);
        EXPECT_EQ(gate.closed, word.rank != SS_UP ? 1U : 0U);
    }
}

}  // namespace
}  // namespace sidestep
