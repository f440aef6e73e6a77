// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The beat that a configuration leads to.
#include "detector/core/detection.hpp"

#include <vector>

#include "detector/core/schedule.hpp"

namespace sidestep {

Nanoseconds beat_of(const Config& config) {
    std::vector<ScheduleEntry> entries;
    entries.reserve(config.adjacencies.size());
    for (const auto& adjacency : config.adjacencies) entries.push_back({.interval = adjacency.probe.interval});
    return beat_for(entries);
}

}  // namespace sidestep
