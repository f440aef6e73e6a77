// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests flap damping: penalties add up, decay, suppress and release.
#include "detector/core/damping.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr DampingSettings kSettings{.half_life = 10s, .suppress = 2500, .reuse = 1000, .max_suppress = 20s};

TEST(Damping, PenaltyHalvesWithEachHalfLife) {
    DampingState memory;
    add_flap(memory, kSettings, 100s);
    EXPECT_DOUBLE_EQ(penalty_at(memory, kSettings, 100s), 1000);
    EXPECT_DOUBLE_EQ(penalty_at(memory, kSettings, 110s), 500);
    EXPECT_DOUBLE_EQ(penalty_at(memory, kSettings, 130s), 125);
    EXPECT_DOUBLE_EQ(penalty_at(memory, kSettings, 99s), 1000) << "a clock never makes a penalty grow";
}

TEST(Damping, SuppressesAboveTheLimitUntilReuse) {
    DampingState memory;
    add_flap(memory, kSettings, 100s);
    add_flap(memory, kSettings, 100s);
    EXPECT_FALSE(memory.suppressed);
    EXPECT_FALSE(reuse_at(memory, kSettings, 100s));
    add_flap(memory, kSettings, 100s);
    EXPECT_TRUE(memory.suppressed);

    const auto reuse = reuse_at(memory, kSettings, 100s);
    ASSERT_TRUE(reuse);
    EXPECT_NEAR(static_cast<double>((*reuse - 100s).count()), 15.85e9, 0.01e9) << "10 s x log2(3)";
    EXPECT_FALSE(reuse_at(memory, kSettings, *reuse));
    EXPECT_FALSE(memory.suppressed);
}

TEST(Damping, NeverSuppressesLongerThanMaxSuppress) {
    DampingState memory;
    for (int flap = 0; flap < 1000; ++flap) add_flap(memory, kSettings, 100s);
    EXPECT_LE(*reuse_at(memory, kSettings, 100s), 120s + 1ms);
}

}  // namespace
}  // namespace sidestep
