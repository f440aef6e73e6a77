// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cells.hpp"

#include <cmath>

#include <fmt/format.h>

#include "common/duration.hpp"

namespace sidestep {

using nlohmann::json;

const json& member(const json& object, std::string_view key) {
    static const json kNull;
    if (!object.is_object()) return kNull;
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

std::optional<double> number(const json& object, std::string_view key) {
    const auto& value = member(object, key);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string number_text(double value) {
    return value == std::floor(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.1f}", value);
}

std::string scalar_text(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float()) return number_text(value.get<double>());
    if (value.is_number() || value.is_boolean()) return value.dump();
    return kAbsent;
}

std::string cell(const json& object, std::string_view key) {
    return scalar_text(member(object, key));
}

std::string duration_cell(const json& object, std::string_view key, double unit) {
    const auto value = number(object, key);
    if (!value || *value < 0 || *value * unit > 9e18) return kAbsent;
    return format_duration(Nanoseconds(std::llround(*value * unit)));
}

std::string sessions_text(const json& counts) {
    std::string text;
    if (!counts.is_object()) return kAbsent;
    for (const char* state : {"up", "degraded", "down", "wait", "init", "admin-down"}) {
        const auto count = number(counts, state);
        if (count && *count > 0) text += (text.empty() ? "" : ", ") + number_text(*count) + " " + state;
    }
    return text.empty() ? "none" : text;
}

}  // namespace sidestep
