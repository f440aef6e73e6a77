// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Parsing of YAML's scalars.
#include "common/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace sidestep {
namespace {

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

/// The text in lower case, if it is in lower case, in upper case or capitalized; empty otherwise.
std::string flat(std::string_view text) {
    if (text.empty()) return {};
    const auto capitals = std::ranges::count_if(text, is_upper);
    const bool capitalized = capitals == 1 && is_upper(text.front());
    if (capitals != 0 && !capitalized && capitals != std::ssize(text)) return {};
    std::string lower(text);
    std::ranges::transform(text, lower.begin(), [](char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; });
    return lower;
}

/// Takes the sign away; true if it is a minus.
bool take_sign(std::string_view& text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    return negative;
}

template <typename Value, typename... Format>
std::optional<Value> parse_all(std::string_view text, Format... format) {
    Value value{};
    const auto* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, value, format...);
    if (error != std::errc{} || parsed != end) return std::nullopt;
    return value;
}

}  // namespace

bool is_yaml_null(std::string_view text) {
    return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

std::optional<bool> parse_yaml_bool(std::string_view text) {
    constexpr std::array<std::string_view, 4> kTrue{"y", "yes", "true", "on"};
    constexpr std::array<std::string_view, 4> kFalse{"n", "no", "false", "off"};
    const auto word = flat(text);
    if (std::ranges::find(kTrue, word) != kTrue.end()) return true;
    if (std::ranges::find(kFalse, word) != kFalse.end()) return false;
    return std::nullopt;
}

std::optional<std::int64_t> parse_yaml_integer(std::string_view text) {
    const bool negative = take_sign(text);
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    } else if (text.size() > 1 && text.front() == '0') {
        return std::nullopt;
    }
    if (text.starts_with('-')) return std::nullopt;  // from_chars would take a second sign
    const auto value = parse_all<std::int64_t>(text, base);
    return value && negative ? std::optional(-*value) : value;
}

std::optional<double> parse_yaml_number(std::string_view text) {
    const bool negative = take_sign(text);
    if (text.starts_with('-')) return std::nullopt;
    const auto value = parse_all<double>(text);
    if (!value || !std::isfinite(*value)) return std::nullopt;
    return negative ? -*value : *value;
}

}  // namespace sidestep
