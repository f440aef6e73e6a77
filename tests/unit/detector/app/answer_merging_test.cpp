// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what a merging SID's counters say about each way.
#include "detector/app/answer_merging.hpp"

#include <array>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(Merging, WhatCameByAnotherListOnlyWasMissed) {
    std::array<ss_way, SS_MAX_LISTS> ways{};
    ways[0] = {.first = 70, .later = 20, .too_old = 0, .behind_ns = 0};
    ways[1] = {.first = 30, .later = 60, .too_old = 1, .behind_ns = 0};
    EXPECT_EQ(missed_by(ways, 0), 10U);
    EXPECT_EQ(missed_by(ways, 1), 9U) << "too late is not lost";
}

// Counters are read while packets arrive.
TEST(Merging, NothingIsMissedBelowZero) {
    std::array<ss_way, SS_MAX_LISTS> ways{};
    ways[0] = {.first = 1, .later = 0, .too_old = 0, .behind_ns = 0};
    ways[1] = {.first = 0, .later = 2, .too_old = 0, .behind_ns = 0};
    EXPECT_EQ(missed_by(ways, 1), 0U);
}

}  // namespace
}  // namespace sidestep
