// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads answers of the API, tables among them, whose columns may come in any order, or be missing. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sidestep::exporter {

/// Null if there is no such field.
inline const nlohmann::json& part(const nlohmann::json& object, std::string_view name) {
    static const nlohmann::json none;
    if (!object.is_object()) return none;
    const auto at = object.find(name);
    return at == object.end() ? none : *at;
}

inline std::string_view text(const nlohmann::json& value) {
    const auto* string = value.get_ptr<const std::string*>();
    return string != nullptr ? std::string_view(*string) : std::string_view();
}

inline std::optional<double> number(const nlohmann::json& value) {
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// Where a table has a column; beyond its rows if it does not.
inline std::size_t column(const nlohmann::json& table, std::string_view name) {
    const auto& columns = part(table, "columns");
    std::size_t at = 0;
    for (const auto& one : columns) {
        if (one == name) return at;
        ++at;
    }
    return SIZE_MAX;
}

inline const nlohmann::json& cell(const nlohmann::json& row, std::size_t column) {
    static const nlohmann::json none;
    return row.is_array() && column < row.size() ? row[column] : none;
}

}  // namespace sidestep::exporter
