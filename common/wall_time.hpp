// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The time of day, for people who read events.
#pragma once

#include <string>

namespace sidestep {

/// "2025-01-31T12:00:00.123456Z".
std::string utc_now();

}  // namespace sidestep
