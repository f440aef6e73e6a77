// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Computes the tick for a configuration.
#include "detector/core/detection.hpp"

#include <vector>

#include "detector/core/schedule.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {

Nanoseconds tick_of(const Config& config) {
    std::vector<ScheduleEntry> entries;
    for (const auto& session : sessions_of(config)) entries.push_back(turns_of(session));
    return tick_for(entries);
}

}  // namespace sidestep
