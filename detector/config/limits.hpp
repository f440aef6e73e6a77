// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The limits that a configuration must keep, in one place.
#pragma once

#include <chrono>
#include <cstddef>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"

namespace sidestep {

/// The limits that a configuration must keep.
struct ConfigLimits {
    Nanoseconds shortest_interval{std::chrono::microseconds(50)};         ///< clocks kernel and auto
    Nanoseconds shortest_process_interval{std::chrono::milliseconds(1)};  ///< clock process
    Nanoseconds shortest_bfd{std::chrono::microseconds(200)};             ///< a quarter of it has to be a tick
    Nanoseconds longest_interval{std::chrono::minutes(1)};
    Nanoseconds shortest_allowance{std::chrono::microseconds(10)};
    Nanoseconds longest_allowance{std::chrono::seconds(10)};
    Nanoseconds longest_wait{std::chrono::hours(1)};
    unsigned multiplier = 32;
    unsigned up_count = 64;
    std::size_t adjacencies = SS_MAX_SESSIONS;
    std::size_t intervals = SS_MAX_CLASSES;  ///< different ones
    std::size_t candidates = SS_MAX_CANDIDATES;
    std::size_t lists = SS_MAX_LISTS;                  ///< per candidate path
    std::size_t list_sessions = SS_MAX_LIST_SESSIONS;  ///< including its adjacency's
    std::size_t segments = SS_MAX_SEGMENTS;
    std::size_t lengths = SS_MAX_LENGTHS;  ///< different prefix lengths per family
    std::size_t domain = SS_MAX_DOMAIN;
    unsigned weight = 65535;        ///< of one list, and of all lists of a candidate path together
    unsigned smallest_probe = 160;  ///< holds every probe of an adjacency, with its SRH
    unsigned largest_probe = 9000;
    std::size_t reflected = SS_MAX_REFLECTED;  ///< addresses, and discriminators, of a reflector
    unsigned reflected_rate = 10'000'000;
    Nanoseconds longest_hold{std::chrono::seconds(60)};
};

}  // namespace sidestep
