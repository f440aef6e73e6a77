// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How the choices of a configuration are spelt: the same in the file, in answers to the command line and in tables.
#pragma once

#include <array>
#include <string_view>

#include "detector/core/config.hpp"
#include "detector/core/session_config.hpp"

namespace sidestep {

// Each in the order of its enum.
inline constexpr std::array<std::string_view, 3> kClockNames{"auto", "kernel", "process"};
inline constexpr std::array<std::string_view, 3> kTurnaroundNames{"forward", "end", "end.x"};
inline constexpr std::array<std::string_view, 2> kEncapNames{"plain", "h.encaps"};

inline std::string_view to_string(ClockKind clock) {
    return kClockNames.at(static_cast<std::size_t>(clock));
}
inline std::string_view to_string(Turnaround turnaround) {
    return kTurnaroundNames.at(static_cast<std::size_t>(turnaround));
}
inline std::string_view to_string(Encap encap) {
    return kEncapNames.at(static_cast<std::size_t>(encap));
}

/// What a session is: "adjacency", "path" or "passive".
inline std::string_view kind_of(const SessionConfig& session) {
    if (session.passive_source) return "passive";
    return session.encaps.empty() ? "adjacency" : "path";
}

}  // namespace sidestep
