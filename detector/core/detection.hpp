// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Computes what the settings of a session promise: how soon it is down after a failure, and up again after the repair.
// `sidestep check`, the documentation and the tests all refer to this arithmetic.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "detector/core/config.hpp"

namespace sidestep {

/// The allowance of a session that does not set one: a fifth of its interval, at least 100 us.
constexpr Nanoseconds default_allowance(Nanoseconds interval) {
    return std::max<Nanoseconds>(interval / 5, std::chrono::microseconds(100));
}

/// The allowance in force unless the measured round trip needs more.
constexpr Nanoseconds allowance_of(const ProbeSettings& probe) {
    return probe.allowance.count() > 0 ? probe.allowance : default_allowance(probe.interval);
}

/// Times that a session takes while its round trip fits the allowance.
struct DetectionTimes {
    Nanoseconds shortest{};  ///< from the first unanswered probe to the verdict, if a tick comes at the right moment
    Nanoseconds longest{};   ///< from the first unanswered probe to the verdict, if it just missed a tick
    Nanoseconds
        from_failure{};     ///< from failure to verdict at most; the failure may come just after a probe got through
    Nanoseconds restore{};  ///< from the first answered probe until the session is trusted again
};

/// `tick` is the time between two looks at the sessions.
constexpr DetectionTimes detection_times(const ProbeSettings& probe, Nanoseconds tick) {
    const auto shortest = (static_cast<std::int64_t>(probe.multiplier) - 1) * probe.interval + allowance_of(probe);
    return {.shortest = shortest,
            .longest = shortest + tick,
            .from_failure = shortest + tick + probe.interval,
            .restore = (static_cast<std::int64_t>(probe.up_count) - 1) * probe.interval + probe.wait_to_restore};
}

/// Whether probing has ended while the clock went on: the last probe is older than a verdict takes. Of the times, both by
/// CLOCK_MONOTONIC, the tick's is the later one.
constexpr bool is_unprobed(const ProbeSettings& probe, Nanoseconds tick, Nanoseconds last_probe,
                           Nanoseconds last_tick) {
    constexpr int kIntervals = 8;  // the clock sends at most 256 probes a tick; the rest is late, but comes
    return last_tick - last_probe > std::max(detection_times(probe, tick).from_failure, kIntervals * probe.interval);
}

/// How long a new session may take for its first answers; after that it is down for a reason.
constexpr Nanoseconds longest_start(const ProbeSettings& probe) {
    constexpr int kRounds = 4;
    const auto probes = static_cast<std::int64_t>(kRounds) * (probe.multiplier + probe.up_count);
    return std::max<Nanoseconds>(probes * probe.interval, std::chrono::seconds(1));
}

/// The tick of the clock that serves all sessions of a node.
Nanoseconds tick_of(const Config& config);

}  // namespace sidestep
