// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Flap damping: each failure adds to a penalty that decays exponentially. Above the suppress limit a session stays
// down, answered or not, until the penalty has fallen to the reuse limit (the scheme of RFC 2439, applied to sessions).
#pragma once

#include <chrono>
#include <optional>

#include "common/duration.hpp"

namespace sidestep {

inline constexpr double kPenaltyPerFlap = 1000;

/// Limits, in units of penalty. Requires half_life > 0 and 0 < reuse < suppress.
struct DampingSettings {
    Nanoseconds half_life{std::chrono::seconds(5)};
    double suppress = 2000;
    double reuse = 1000;
    Nanoseconds max_suppress{std::chrono::seconds(20)};  ///< longest time that a session is suppressed at once

    bool operator==(const DampingSettings&) const = default;
};

struct DampingState {
    double penalty = 0;  ///< at the time `reckoned`
    Nanoseconds reckoned{};
    bool suppressed = false;
};

/// The highest penalty possible: it takes max_suppress to decay to the reuse limit.
double highest_penalty(const DampingSettings& settings);
/// The penalty at `now`.
double penalty_at(const DampingState& memory, const DampingSettings& settings, Nanoseconds now);
/// Counts one failure.
void add_flap(DampingState& memory, const DampingSettings& settings, Nanoseconds now);
/// When a suppressed session may be used again; nullopt (and no longer suppressed) if it may now.
std::optional<Nanoseconds> reuse_at(DampingState& memory, const DampingSettings& settings, Nanoseconds now);

}  // namespace sidestep
