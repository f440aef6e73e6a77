// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/short_slice.hpp"

#include <sys/syscall.h>

#include <cstdint>

#include <sched.h>
#include <unistd.h>

namespace sidestep {
namespace {

constexpr std::uint64_t kShortestSlice = 100'000;    // ns: the kernel grants no shorter ones
constexpr std::uint64_t kResetOnFork = 1;            // SCHED_FLAG_RESET_ON_FORK
constexpr std::uint32_t kOtherPolicy = SCHED_OTHER;  // real-time policies are not ours to change

/// As sched_setattr(2) has it; <linux/sched/types.h> does not go with <sched.h>.
struct SchedulerSettings {
    std::uint32_t size = 0;
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

}  // namespace

Result<void> ask_for_short_slices() {
    SchedulerSettings settings;
    if (::syscall(SYS_sched_getattr, 0, &settings, sizeof settings, 0) != 0)
        return fail_errno("cannot read how this thread is scheduled");
    if (settings.policy != kOtherPolicy) return {};
    settings.size = sizeof settings;
    settings.flags |= kResetOnFork;
    settings.runtime = kShortestSlice;
    if (::syscall(SYS_sched_setattr, 0, &settings, 0) != 0)
        return fail_errno("cannot ask the scheduler for short slices");
    return {};
}

}  // namespace sidestep
