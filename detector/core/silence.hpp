// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Why a session has never been proven. A wrong address in the configuration looks like a link that is not there yet:
// nothing fails, nothing is logged, and the tables say "init". After a while somebody has to say what is likely.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detector/core/session_list.hpp"

namespace sidestep {

/// What is known of a session that has never been proven.
struct Silence {
    const SessionConfig* config = nullptr;
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;  ///< never `up_count` in a row
    std::uint64_t send_errors = 0;
    bool carrier = true;                 ///< its interface is up and has one
    bool ipv6 = true;                    ///< its interface has it
    bool neighbor_known = false;         ///< its MAC address is
    std::vector<std::string> return_at;  ///< the interfaces that have the return address
};

/// The likely cause, in the words of the configuration. It stays the same while nothing changes.
std::string likely_cause(const Silence& silence);
/// What was sent, what came back, and the likely cause.
std::string explain(const Silence& silence);

}  // namespace sidestep
