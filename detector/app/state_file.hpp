// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is known of sessions outside the maps: for a successor whose maps have another layout and cannot be adopted, so
// that it does not trust again what is down. Written soon after each transition, removed with everything else on
// SIGTERM.
#pragma once

#include <string>

#include "detector/core/saved_state.hpp"

namespace sidestep {

/// Replaces the file as a whole, so that a reader never sees half of it. A failure only costs the memory.
void save_state(const std::string& path, const SavedSessions& sessions);
/// Empty if there is no such file, or none that makes sense.
SavedSessions load_state(const std::string& path);

}  // namespace sidestep
