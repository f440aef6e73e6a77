// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Durations as text, always with a unit, for configurations and tables.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sidestep {

using Nanoseconds = std::chrono::nanoseconds;

/// Parses "250us", "1ms", "1.5s", "2min"; units ns, us, ms, s, min, h; nullopt for anything else, a negative value
/// or one beyond ten years.
std::optional<Nanoseconds> parse_duration(std::string_view text);

/// "250 us", "1.5 ms", "3 s": the largest unit that keeps the value at or above one, at most three decimals.
std::string format_duration(Nanoseconds duration);

}  // namespace sidestep
