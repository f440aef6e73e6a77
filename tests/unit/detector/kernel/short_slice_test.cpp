// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what a thread that asks for short slices gets, and what its children get.
#include "detector/kernel/short_slice.hpp"

#include <sys/syscall.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace sidestep {
namespace {

/// Nanoseconds; 0 before Linux 6.12.
std::uint64_t slice() {
    std::array<char, 48> settings{};
    if (::syscall(SYS_sched_getattr, 0, settings.data(), settings.size(), 0) != 0) return 0;
    std::uint64_t runtime = 0;
    std::memcpy(&runtime, settings.data() + 24, sizeof runtime);
    return runtime;
}

TEST(ShortSlice, IsTheThreadsOwn) {
    std::thread([] {
        const auto before = slice();
        ASSERT_TRUE(ask_for_short_slices());
        EXPECT_EQ(::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
        if (before == 0) GTEST_SKIP() << "this kernel knows no slices of a thread's own";
        EXPECT_EQ(slice(), 100'000U);
        std::thread([before] { EXPECT_EQ(slice(), before); }).join();
    }).join();
}

}  // namespace
}  // namespace sidestep
