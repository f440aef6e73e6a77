// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's answers as tables for people. Pure. Values that an answer lacks are shown as "-", so that the command
// line and the daemon may have different versions.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sidestep {

std::string report_status(const nlohmann::json& answer);
std::string report_sessions(const nlohmann::json& answer);
std::string report_policies(const nlohmann::json& answer);
std::string report_routing(const nlohmann::json& answer);
/// `answer` holds a list "events" or is itself one event; titles are left out if they were printed before.
std::string report_events(const nlohmann::json& answer, bool with_titles = true);

}  // namespace sidestep
