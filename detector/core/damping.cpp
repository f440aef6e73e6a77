// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Exponential decay of flap penalties.
#include "detector/core/damping.hpp"

#include <algorithm>
#include <cmath>

namespace sidestep {
namespace {

double half_lives(Nanoseconds duration, const DampingSettings& settings) {
    return static_cast<double>(duration.count()) / static_cast<double>(settings.half_life.count());
}

}  // namespace

double highest_penalty(const DampingSettings& settings) {
    return settings.reuse * std::exp2(half_lives(settings.max_suppress, settings));
}

double penalty_at(const DampingState& memory, const DampingSettings& settings, Nanoseconds now) {
    return memory.penalty * std::exp2(-half_lives(std::max(now - memory.reckoned, Nanoseconds::zero()), settings));
}

void add_flap(DampingState& memory, const DampingSettings& settings, Nanoseconds now) {
    memory.penalty = std::min(penalty_at(memory, settings, now) + kPenaltyPerFlap, highest_penalty(settings));
    memory.reckoned = now;
    if (memory.penalty > settings.suppress) memory.suppressed = true;
}

std::optional<Nanoseconds> reuse_at(DampingState& memory, const DampingSettings& settings, Nanoseconds now) {
    if (!memory.suppressed) return std::nullopt;
    const double penalty = penalty_at(memory, settings, now);
    if (penalty <= settings.reuse) {
        memory.suppressed = false;
        return std::nullopt;
    }
    const double left = std::log2(penalty / settings.reuse) * static_cast<double>(settings.half_life.count());
    return now + Nanoseconds(std::llround(std::ceil(left)));
}

}  // namespace sidestep
