// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/lateness.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST(LatenessOfALoop, IsForgottenLatelyButNotForEver) {
    Lateness lateness;
    lateness.note(300ms);
    EXPECT_EQ(lateness.recent(), 300ms);
    for (int i = 0; i < 64; ++i) lateness.note(1ms);
    EXPECT_EQ(lateness.recent(), 300ms);
    for (int i = 0; i < 64; ++i) lateness.note(2ms);
    EXPECT_EQ(lateness.recent(), 2ms);
    EXPECT_EQ(lateness.longest(), 300ms);
}

}  // namespace
}  // namespace sidestep
