// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep top` shows: the daemon's answers as the lines of a screen. Pure; top_command.cpp has the terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sidestep {

/// The answers of one moment.
struct TopSample {
    nlohmann::json status;
    nlohmann::json sessions;
    nlohmann::json policies;  ///< those that reroute
    std::chrono::steady_clock::time_point at;
};

/// What the user has chosen.
struct TopView {
    std::string sort = "state";
    std::string filter;
    std::size_t selected = 0;  ///< of the sessions shown
    std::string message;       ///< of the last command
    std::string prompt;        ///< what is being typed; empty: nothing
    std::string outage;        ///< why there is nothing newer to show; empty: there is
    double interval_s = 2;
};

enum class TopStyle : unsigned char { plain, title, good, warning, bad, chosen };

struct TopLine {
    std::string text;
    TopStyle style = TopStyle::plain;
};

/// How many sessions and policies fit on a screen of this height.
struct TopRoom {
    std::size_t sessions = 0;
    std::size_t policies = 0;
};
TopRoom room_of(std::size_t height);
/// For who has no screen. To ask for thousands again and again would take a third of a core.
inline constexpr TopRoom kPrintedRoom{.sessions = 40, .policies = 10};

/// The lines of the screen, none longer than `width` characters, at most `height` of them. Rates are between `before` and
/// `now`; without `before` they are absent.
std::vector<TopLine> render(const std::optional<TopSample>& before, const TopSample& now, const TopView& view,
                            std::size_t width, std::size_t height);

/// The same as text, with kPrintedRoom, and without the keys of a terminal.
std::string print_out(const std::optional<TopSample>& before, const TopSample& now, const TopView& view);

}  // namespace sidestep
