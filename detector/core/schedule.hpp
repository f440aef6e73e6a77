// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Plans which session is probed when: sessions of one interval form a class, and the tick program visits the class
// evenly spread over the interval.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"

namespace sidestep {

/// A session to be probed.
struct ScheduleEntry {
    std::uint16_t session = 0;
    Nanoseconds interval{};  ///< between two of its turns
    unsigned turns = 1;      ///< for each packet; the clock need not be faster because there are several
};

/// Fills in `plan`. False if there are more than SS_MAX_CLASSES distinct intervals or SS_MAX_SESSIONS entries.
bool make_plan(std::span<const ScheduleEntry> entries, std::uint32_t generation, ss_plan& plan);

/// The tick of the clock that serves these sessions: a quarter of the shortest interval, so that a verdict waits at
/// most that long for the next tick; shorter if more than 64 probes would become due in that time, because a burst
/// overruns queues. At least 25 us; 1 ms without sessions.
Nanoseconds tick_for(std::span<const ScheduleEntry> entries);

}  // namespace sidestep
