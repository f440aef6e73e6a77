// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Events as JSON, alike in the API, in the file of kept events and in recordings (docs/api.md).
#pragma once

#include <nlohmann/json.hpp>

#include "detector/engine/event_log.hpp"

namespace sidestep {

nlohmann::json to_json(const LoggedEvent& event);

}  // namespace sidestep
