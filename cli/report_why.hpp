// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's answer to `why`, as one page for people. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sidestep {

std::string report_why(const nlohmann::json& answer);

}  // namespace sidestep
