// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/top_screen.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "cli/cells.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::size_t kHeadLines = 4;  // with the titles of the sessions
constexpr std::size_t kFootLines = 2;
constexpr std::size_t kPolicyShare = 3;  // a third of the rest, titles included

std::string cut(std::string text, std::size_t width) {
    if (text.size() > width) text.resize(width);
    return text;
}

TopStyle style_of(std::string_view state) {
    if (state == "up") return TopStyle::good;
    if (state == "down") return TopStyle::bad;
    return TopStyle::warning;
}

/// Events a second between two answers; "-" if there is no earlier one, or the counter began anew.
std::string rate(const json* before, const json& now, std::string_view key, double seconds) {
    if (before == nullptr || seconds <= 0) return kAbsent;
    const auto from = number(*before, key);
    const auto to = number(now, key);
    if (!from || !to || *to < *from) return kAbsent;
    return number_text(std::floor((*to - *from) / seconds));
}

const json* named(const json& list, const std::string& name) {
    if (!list.is_array()) return nullptr;
    const auto found = std::ranges::find_if(list, [&](const json& item) { return cell(item, "name") == name; });
    return found == list.end() ? nullptr : &*found;
}

struct Frame {
    const std::optional<TopSample>& before;
    const TopSample& now;
    const TopView& view;

    [[nodiscard]] double seconds() const {
        return before ? std::chrono::duration<double>(now.at - before->at).count() : 0;
    }
};

void add_head(std::vector<TopLine>& lines, const Frame& frame) {
    const auto& status = frame.now.status;
    const auto& clock = member(status, "clock");
    lines.push_back({fmt::format("{}  up {}  {} clock every {}, gap {}  detector late {}", cell(status, "node"),
                                 duration_cell(status, "uptime_ms", 1e6), cell(clock, "kind"),
                                 duration_cell(clock, "tick_us", 1e3), duration_cell(clock, "recent_gap_us", 1e3),
                                 duration_cell(member(status, "detector"), "longest_lateness_us", 1e3))});
    const auto* counters = frame.before ? &member(frame.before->status, "counters") : nullptr;
    const auto& present = member(status, "counters");
    lines.push_back({fmt::format("sessions {}   policies {}, {} rerouting   repaired {}/s",
                                 sessions_text(member(status, "sessions")), cell(status, "policies"),
                                 cell(status, "rerouting"), rate(counters, present, "repaired", frame.seconds()))});
    if (!frame.view.outage.empty()) return lines.push_back({frame.view.outage, TopStyle::bad});
    const auto& problems = member(status, "problems");
    if (!problems.is_array() || problems.empty()) return lines.push_back({"no problems"});
    lines.push_back({fmt::format("{} problem{}: {}: {}", problems.size(), problems.size() == 1 ? "" : "s",
                                 cell(problems[0], "about"), cell(problems[0], "problem")),
                     TopStyle::warning});
}

constexpr std::string_view kSessionRow = "{:<20} {:<10} {:<15} {:>8} {:>7} {:>6} {:>8}";

void add_sessions(std::vector<TopLine>& lines, const Frame& frame, std::size_t room) {
    lines.push_back({fmt::format(fmt::runtime(kSessionRow), "SESSION", "STATE", "REASON", "RTT(us)", "LOST/64", "DOWNS",
                                 "PROBES/s"),
                     TopStyle::title});
    const auto& sessions = member(frame.now.sessions, "sessions");
    if (!sessions.is_array()) return;
    for (std::size_t i = 0; i < sessions.size() && i < room; ++i) {
        const auto& session = sessions[i];
        const auto* earlier =
            frame.before ? named(member(frame.before->sessions, "sessions"), cell(session, "name")) : nullptr;
        const auto state = cell(session, "state");
        const auto reason = cell(session, "reason");
        lines.push_back(
            {fmt::format(fmt::runtime(kSessionRow), cut(cell(session, "name"), 20), state,
                         reason == "none" ? "" : reason, cell(session, "rtt_us"), cell(session, "lost_of_64"),
                         cell(session, "downs"), rate(earlier, session, "sent", frame.seconds())),
             i == frame.view.selected ? TopStyle::chosen : style_of(state)});
    }
    const auto matching = static_cast<std::size_t>(number(frame.now.sessions, "matching").value_or(0));
    if (matching > std::min(sessions.size(), room))
        lines.push_back({fmt::format("  and {} more", matching - std::min(sessions.size(), room))});
}

/// The candidate that packets take: "1: A-C fd00:c::".
const json* taken(const json& policy) {
    const auto& candidates = member(policy, "candidates");
    if (!candidates.is_array()) return nullptr;
    const auto found = std::ranges::find_if(candidates, [](const json& one) { return one.value("active", false); });
    return found == candidates.end() ? nullptr : &*found;
}

std::string way_of(const json& candidate) {
    auto text = fmt::format("{}: {}", cell(candidate, "index"), cell(candidate, "adjacency"));
    for (const auto& segment : member(candidate, "segments")) text += ' ' + scalar_text(segment);
    return text;
}

void add_policies(std::vector<TopLine>& lines, const Frame& frame, std::size_t room) {
    const auto& policies = member(frame.now.policies, "policies");
    if (!policies.is_array() || policies.empty()) return;
    lines.push_back(
        {fmt::format("{:<22} {:<46} {:>10}", "POLICY ON A BACKUP", "CANDIDATE", "PACKETS/s"), TopStyle::title});
    for (std::size_t i = 0; i < policies.size() && i < room; ++i) {
        const auto& policy = policies[i];
        const auto* now = taken(policy);
        const auto* earlier =
            frame.before ? named(member(frame.before->policies, "policies"), cell(policy, "name")) : nullptr;
        const auto* before = earlier != nullptr ? taken(*earlier) : nullptr;
        const bool same = now != nullptr && before != nullptr && cell(*now, "index") == cell(*before, "index");
        lines.push_back({fmt::format("{:<22} {:<46} {:>10}", cut(cell(policy, "name"), 22),
                                     cut(now != nullptr ? way_of(*now) : "none: all candidates are down", 46),
                                     same ? rate(before, *now, "packets", frame.seconds()) : kAbsent),
                         now != nullptr ? TopStyle::warning : TopStyle::bad});
    }
}

std::vector<TopLine> contents(const Frame& frame, const TopRoom& room) {
    std::vector<TopLine> lines;
    add_head(lines, frame);
    add_sessions(lines, frame, room.sessions);
    add_policies(lines, frame, room.policies);
    return lines;
}

}  // namespace

TopRoom room_of(std::size_t height) {
    if (height <= kHeadLines + kFootLines + 1) return {.sessions = 1, .policies = 0};
    const auto rest = height - kHeadLines - kFootLines - 1;  // one for "and N more"
    const auto below = rest / kPolicyShare;
    return {.sessions = rest - below, .policies = below > 1 ? below - 1 : 0};
}

std::vector<TopLine> render(const std::optional<TopSample>& before, const TopSample& now, const TopView& view,
                            std::size_t width, std::size_t height) {
    auto lines = contents({.before = before, .now = now, .view = view}, room_of(height));
    const auto feet = height < kFootLines ? height : kFootLines;
    if (lines.size() + feet > height) lines.resize(height - feet);
    while (lines.size() + feet < height) lines.push_back({""});
    const auto filter = view.filter.empty() ? "" : fmt::format(" ({})", view.filter);
    lines.push_back({view.prompt.empty() ? view.message : view.prompt, TopStyle::warning});
    lines.push_back({fmt::format("s sort: {}  / filter{}  d drain  u undrain  + - every {:g} s  q quit", view.sort,
                                 filter, view.interval_s),
                     TopStyle::title});
    for (auto& line : lines) line.text = cut(std::move(line.text), width);
    lines.resize(std::min(lines.size(), height));
    return lines;
}

std::string print_out(const std::optional<TopSample>& before, const TopSample& now, const TopView& view) {
    std::string text;
    for (const auto& line : contents({.before = before, .now = now, .view = view}, kPrintedRoom))
        text += line.text + '\n';
    return text;
}

}  // namespace sidestep
