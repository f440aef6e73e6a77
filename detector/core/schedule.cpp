// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Groups sessions by interval.
#include "detector/core/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace sidestep {

using namespace std::chrono_literals;

namespace {

/// Probes per tick while the clock is on time: a small part of SS_BURST, and of any queue on the path.
constexpr double kProbesPerTick = 64;

/// The time in which this many probes become due.
Nanoseconds time_for(double probes, std::span<const ScheduleEntry> entries) {
    double rate = 0;  // probes per nanosecond
    for (const auto& entry : entries) rate += 1.0 / static_cast<double>(entry.interval.count());
    return Nanoseconds(std::llround(probes / rate));
}

}  // namespace

bool make_plan(std::span<const ScheduleEntry> entries, std::uint32_t generation, ss_plan& plan) {
    std::map<Nanoseconds, std::vector<std::uint16_t>> classes;
    for (const auto& entry : entries) classes[entry.interval].push_back(entry.session);
    if (classes.size() > SS_MAX_CLASSES || entries.size() > SS_MAX_SESSIONS) return false;

    plan = {};
    plan.generation = generation;
    std::uint32_t next = 0;
    for (const auto& [interval, sessions] : classes) {
        plan.class_[plan.classes++] = {.first = next,
                                       .count = static_cast<std::uint32_t>(sessions.size()),
                                       .interval_ns = static_cast<std::uint64_t>(interval.count())};
        for (const auto session : sessions) plan.order[next++] = session;
    }
    return true;
}

Nanoseconds tick_for(std::span<const ScheduleEntry> entries) {
    const auto between_packets = [](const ScheduleEntry& entry) { return entry.interval * entry.turns; };
    const auto shortest = std::ranges::min_element(entries, {}, between_packets);
    if (shortest == entries.end()) return 1ms;
    const auto tick = std::min<Nanoseconds>(between_packets(*shortest) / 4, time_for(kProbesPerTick, entries));
    return std::max<Nanoseconds>(tick, 25us);
}

}  // namespace sidestep
