// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the settings of a session promise: how soon it is down after a failure and up again after the repair. One place
// for the arithmetic that `sidestep check`, the documentation and the tests speak about.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "detector/core/config.hpp"

namespace sidestep {

/// The allowance of a session that names none: a fifth of its interval, at least 100 us.
constexpr Nanoseconds default_allowance(Nanoseconds interval) {
    return std::max<Nanoseconds>(interval / 5, std::chrono::microseconds(100));
}

/// The allowance in force as long as the measured round trip needs no more.
constexpr Nanoseconds allowance_of(const ProbeSettings& probe) {
    return probe.allowance.count() > 0 ? probe.allowance : default_allowance(probe.interval);
}

/// Times a session takes, as long as its round trip fits the allowance.
struct DetectionTimes {
    Nanoseconds shortest{};      ///< first unanswered probe to verdict, when a tick falls right
    Nanoseconds longest{};       ///< first unanswered probe to verdict, when a tick was just missed
    Nanoseconds from_failure{};  ///< failure to verdict at the most: it may follow right after a probe got through
    Nanoseconds restore{};       ///< first answered probe to trusted again
};

/// `tick`: how often the probe clock looks at the sessions.
constexpr DetectionTimes detection_times(const ProbeSettings& probe, Nanoseconds tick) {
    const auto shortest = (static_cast<std::int64_t>(probe.multiplier) - 1) * probe.interval + allowance_of(probe);
    return {.shortest = shortest,
            .longest = shortest + tick,
            .from_failure = shortest + tick + probe.interval,
            .restore = (static_cast<std::int64_t>(probe.up_count) - 1) * probe.interval + probe.wait_to_restore};
}

/// The tick of the clock that serves all sessions of a node.
Nanoseconds tick_of(const Config& config);

}  // namespace sidestep
