// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The changes that a reload makes, for people: one line each, as diff(1) marks them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sidestep {

/// `answer`: of the API's `reload` and `diff` (docs/api.md). Lines begin with + (added), - (removed) or ~ (changed,
/// renamed), in color if so asked. "no changes" if there are none.
std::string report_changes(const nlohmann::json& answer, bool color);

}  // namespace sidestep
