// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The saved state of sessions. With it, a process that cannot adopt the maps still knows which sessions are down.
#pragma once

#include <map>
#include <string>

#include "detector/core/session_fsm.hpp"

namespace sidestep {

struct SavedSession {
    SessionState state{};
    Reason reason{};
};

using SavedSessions = std::map<std::string, SavedSession>;

}  // namespace sidestep
