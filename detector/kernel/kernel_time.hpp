// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The clock by which the kernel stamps probes, ticks and verdicts. In a time namespace, this process's own clock is
// another one.
#pragma once

#include <chrono>
#include <string_view>

#include "common/duration.hpp"

namespace sidestep {

/// How far CLOCK_MONOTONIC of a time namespace is ahead, from the text of /proc/PID/timens_offsets.
Nanoseconds monotonic_offset(std::string_view text);

/// CLOCK_MONOTONIC outside of any time namespace: that of bpf_ktime_get_ns().
Nanoseconds kernel_now();

/// The same moment by this process's clock: for its timers.
std::chrono::steady_clock::time_point at_kernel_time(Nanoseconds time);

}  // namespace sidestep
