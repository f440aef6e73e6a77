// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mistakes that YAML reports in its own terms, in the terms of the one who made them: tabs, and addresses without quotes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidestep {

/// The line number `line`, from 1, without its end; empty beyond the last.
std::string_view line_of(std::string_view text, std::size_t line);

/// The column, from 1, of the first tab before anything else on a line.
std::optional<std::size_t> tab_in_indentation(std::string_view line);

/// `quote it: "fd00:c::"` for the first unquoted IPv6 address or prefix on the line that begins or ends with a colon:
/// YAML takes that colon for the end of a key.
std::optional<std::string> quote_hint_of_line(std::string_view line);

/// The first line up to number `last` with a quote that nothing closes on it; most values of ours fit on a line.
std::optional<std::size_t> unclosed_quote(std::string_view text, std::size_t last);

/// "a space is missing after `interface:`" for the first key on the line whose value begins at once.
std::optional<std::string> space_hint_of_line(std::string_view line);

/// The same for the key of a map that should have been an address: "fd00:c:" was read from fd00:c::.
std::optional<std::string> quote_hint_of_key(std::string_view key);

/// What to leave out or to write instead, for a text that is nearly an IPv6 address: fe80::b%eth0, fe80::b/64,
/// typographic quotes. Begins with "; "; empty if there is nothing to say.
std::string address_hint(std::string_view text);

/// The same for a text that is nearly a prefix: "default", or host bits.
std::string prefix_hint(std::string_view text);

}  // namespace sidestep
