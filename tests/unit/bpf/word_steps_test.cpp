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
    if (steps_left-- == 0) intruder();  // whose own steps are not interrupted
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

// How many words should be counted, at least; exactly so when nobody begins or ceases to gate meanwhile.
unsigned wanted() {
    return word.gates && word.rank != SS_UP ? 1 : 0;
}

struct Operation {
    bool is_detector;
    bool is_gating;
    std::function<int()> run;
};

TEST(WordSteps, NoInterleavingCountsTooFew) {
    const auto gating = [](unsigned gates) {
        ss_word_set_gating(&word, &gate, gates);
        return 0;
    };
    const std::vector<Operation> operations{
        {false, false, [] { return ss_word_lower(&word, &gate, SS_DOWN); }},
        {false, false, [] { return ss_word_lower(&word, &gate, SS_DEGRADED); }},
        {true, false, [] { return ss_word_raise(&word, &gate, SS_DOWN, SS_DEGRADED); }},
        {true, false, [] { return ss_word_raise(&word, &gate, SS_DOWN, SS_UP); }},
        {true, false, [] { return ss_word_raise(&word, &gate, SS_DEGRADED, SS_UP); }},
        {true, true, [&] { return gating(1); }},
        {true, true, [&] { return gating(0); }},
    };
    check_count = [] { ASSERT_GE(static_cast<int>(gate.closed), static_cast<int>(wanted())); };
    for (std::size_t one = 0; one < operations.size(); ++one) {
        for (std::size_t other = 0; other < operations.size(); ++other) {
            const bool is_gating = operations[one].is_gating || operations[other].is_gating;
            if (is_gating && operations[one].is_detector && operations[other].is_detector)
                continue;  // it is one thread
            for (unsigned start = 0; start < 6; ++start) {
                for (int at = 0; at < 6; ++at) {
                    SCOPED_TRACE(testing::Message() << one << " and " << other << " from " << start << " at " << at);
                    word = {.rank = start % 3, .gates = start / 3};
                    gate.closed = wanted();
                    int changes = 0;
                    intruder = [&] { changes += operations[other].run(); };
                    steps_left = at;
                    changes += operations[one].run();
                    EXPECT_GE(static_cast<int>(gate.closed), static_cast<int>(wanted()));
                    EXPECT_TRUE(is_gating || gate.closed == wanted()) << "at rest the count is exact";
                    EXPECT_TRUE(changes == 2 || (word.rank != start % 3) == (changes == 1)) << "it tells what it did";
                }
            }
        }
    }
    steps_left = -1;
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
