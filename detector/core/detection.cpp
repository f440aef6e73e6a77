// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The beat that a configuration leads to.
#include "detector/core/detection.hpp"

#include <vector>

#include "detector/core/schedule.hpp"
#include "detector/core/session_config.hpp"

namespace sidestep {

Nanoseconds beat_of(const Config& config) {
    std::vector<ScheduleEntry> entries;
    for (const auto& session : sessions_of(config)) entries.push_back({.interval = session.probe.interval});
    return beat_for(entries);
}

}  // namespace sidestep
