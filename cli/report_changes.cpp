// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/report_changes.hpp"

#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace sidestep {
namespace {

using nlohmann::json;

struct Mark {
    char sign;
    std::string_view color;
};

Mark mark_of(std::string_view change) {
    if (change == "added") return {.sign = '+', .color = "\033[32m"};
    if (change == "removed") return {.sign = '-', .color = "\033[31m"};
    return {.sign = '~', .color = "\033[33m"};
}

std::string line_of(const json& change) {
    auto line = fmt::format("{} {}", change.value("what", "?"), change.value("name", "?"));
    if (change.contains("before") && change["before"].is_string())
        line += fmt::format(" (was {}, its state is kept)", change["before"].get<std::string>());
    if (change.value("starts_anew", false)) line += " (starts anew)";
    const auto fields = change.value("fields", std::vector<std::string>());
    if (!fields.empty()) line += fmt::format(": {}", fmt::join(fields, "; "));
    return line;
}

}  // namespace

std::string report_changes(const json& answer, bool color) {
    std::string text;
    for (const auto& change : answer.value("changes", json::array())) {
        const auto mark = mark_of(change.value("change", ""));
        const auto line = fmt::format("{} {}", mark.sign, line_of(change));
        text += color ? fmt::format("{}{}\033[0m\n", mark.color, line) : line + '\n';
    }
    if (text.empty()) text = "no changes\n";
    if (answer.value("restart", false)) {
        text +=
            "The maps are too small for this configuration: the detector starts over inside its process and adopts the "
            "running sessions.\n";
    }
    return text;
}

}  // namespace sidestep
