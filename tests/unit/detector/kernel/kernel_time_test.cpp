// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/kernel_time.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST(KernelTime, OffsetsOfATimeNamespace) {
    EXPECT_EQ(monotonic_offset("monotonic      100000         7\nboottime            -5         0\n"), 100'000s + 7ns);
    EXPECT_EQ(monotonic_offset("boottime 1 0\nmonotonic -2 999999999\n"), -1s - 1ns);
    EXPECT_EQ(monotonic_offset(""), 0ns);
    EXPECT_EQ(monotonic_offset("monotonic x"), 0ns);
}

TEST(KernelTime, ThereAndBack) {
    const auto now = kernel_now();
    EXPECT_LE(at_kernel_time(now), std::chrono::steady_clock::now());
    EXPECT_LT(std::chrono::steady_clock::now() - at_kernel_time(now), 10s);
}

}  // namespace
}  // namespace sidestep
