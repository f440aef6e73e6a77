// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Scalars of YAML as values. Quotes make no difference, so that "5" is a number too.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sidestep {

/// True for an unquoted scalar that stands for nothing: empty, ~ or null.
bool is_yaml_null(std::string_view text);
/// y, yes, true, on and their contraries; lower case, upper case or capitalized.
std::optional<bool> parse_yaml_bool(std::string_view text);
/// Decimal, or hexadecimal after 0x. A leading zero is refused: some readers would take the rest for octal.
std::optional<std::int64_t> parse_yaml_integer(std::string_view text);
/// A decimal number with or without exponent; infinities and NaN are refused.
std::optional<double> parse_yaml_number(std::string_view text);

}  // namespace sidestep
