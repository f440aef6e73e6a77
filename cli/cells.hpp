// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Values of the daemon's answers as texts for tables. What an answer lacks is "-".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sidestep {

inline const std::string kAbsent = "-";

/// A member of an object; null if there is none or `object` is no object.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);
std::optional<double> number(const nlohmann::json& object, std::string_view key);
/// Whole numbers without a point, others with at most one decimal.
std::string number_text(double value);
std::string scalar_text(const nlohmann::json& value);
std::string cell(const nlohmann::json& object, std::string_view key);
/// A duration given in nanoseconds times `unit`, with the unit that suits it.
std::string duration_cell(const nlohmann::json& object, std::string_view key, double unit);
/// Sessions by state, in order of importance, not of the alphabet: "3 up, 1 down".
std::string sessions_text(const nlohmann::json& counts);

}  // namespace sidestep
