// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Saves session states outside the maps, for a successor whose maps have another layout and cannot be adopted: it then
// does not trust sessions that are down. The file is written soon after each transition, and removed with everything
// else on SIGTERM.
#pragma once

#include <string>

#include "common/error.hpp"
#include "detector/core/saved_state.hpp"

namespace sidestep {

/// Replaces the whole file in one step, so that a reader never sees half of it. After a failure, the old one stays.
Result<void> save_state(const std::string& path, const SavedSessions& sessions);
/// Empty if the file does not exist or is not valid.
SavedSessions load_state(const std::string& path);

}  // namespace sidestep
