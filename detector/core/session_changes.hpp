// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares the sessions of two configurations: which are the same, under which name, and what differs.
#pragma once

#include <vector>

#include "detector/core/change_plan.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {

/// The changes in the order: renamed, changed, added, removed.
std::vector<SessionChange> session_changes(const std::vector<SessionConfig>& present,
                                           const std::vector<SessionConfig>& wanted);

}  // namespace sidestep
