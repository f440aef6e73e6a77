// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The clock of cuts, captures and events. Times are comparable only if all read the same clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace sidestep::topo {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns

inline std::int64_t in_ns(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return in_ns(now);
}

}  // namespace sidestep::topo
