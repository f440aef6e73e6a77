// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Parses and prints durations.
#include "common/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace sidestep {
namespace {

using Unit = std::pair<std::string_view, double>;
constexpr std::array<Unit, 6> kUnits{{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 6e10}, {"h", 3.6e12}}};
constexpr double kLongest = 3.6e12 * 24 * 3650;

}  // namespace

std::optional<Nanoseconds> parse_duration(std::string_view text) {
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    for (const auto& [name, factor] : kUnits) {
        if (text == name && value * factor <= kLongest) return Nanoseconds(std::llround(value * factor));
    }
    return std::nullopt;
}

std::string format_duration(Nanoseconds duration) {
    const auto value = static_cast<double>(duration.count());
    std::size_t unit = 0;
    while (unit + 1 < kUnits.size() && unit < 3 && std::abs(value) >= kUnits[unit + 1].second) ++unit;
    auto text = fmt::format("{:.3f}", value / kUnits[unit].second);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return fmt::format("{} {}", text, kUnits[unit].first);
}

}  // namespace sidestep
