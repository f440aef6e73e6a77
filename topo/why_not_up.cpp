// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/why_not_up.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sidestep::topo {

std::string why_not_up(const nlohmann::json& sessions, const nlohmann::json& status) {
    std::string text;
    for (const auto& session : sessions.value("sessions", nlohmann::json::array())) {
        const auto state = session.value("state", "");
        if (state == "up") continue;
        const auto name = session.value("name", "");
        const auto reason = session.contains("reason") && session["reason"].is_string()
                                ? " (" + session["reason"].get<std::string>() + ")"
                                : "";
        text += fmt::format("{}{} is {}{}", text.empty() ? "" : "; ", name, state, reason);
        if (!status.is_object()) continue;
        for (const auto& problem : status.value("problems", nlohmann::json::array())) {
            if (problem.value("about", "") == "session " + name) text += ", " + problem.value("problem", "");
        }
    }
    return text.empty() ? "it has no sessions" : text;
}

}  // namespace sidestep::topo
