// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a lab says of sessions that did not come up: a sentence, not the daemon's JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace sidestep::topo {

/// Pure: which sessions are not up and the likely causes, from sidestepd's answers to "sessions" and "status" (or null).
std::string why_not_up(const nlohmann::json& sessions, const nlohmann::json& status);

}  // namespace sidestep::topo
