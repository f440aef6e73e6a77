// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints the daemon's answers as tables for people.
#include "cli/report.hpp"

#include <cmath>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cli/cells.hpp"
#include "cli/table.hpp"
#include "common/duration.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr auto kRight = Table::Align::right;
/// A time in `key` divided by `by`, with three decimals.
std::string scaled_cell(const json& object, std::string_view key, double by) {
    const auto value = number(object, key);
    return value ? fmt::format("{:.3f}", *value / by) : kAbsent;
}

/// The scalars of a list, separated.
std::string list_cell(const json& object, std::string_view key, std::string_view separator = " ") {
    std::string text;
    const auto& list = member(object, key);
    if (!list.is_array()) return text;
    for (const auto& item : list) text += (text.empty() ? "" : std::string(separator)) + scalar_text(item);
    return text;
}

/// "3 up, 1 down" of {"up": 3, "down": 1, "wait": 0}: zeros are left out.
std::string counts_text(const json& counts) {
    std::string text;
    if (!counts.is_object()) return kAbsent;
    for (const auto& [name, value] : counts.items()) {
        if (value.is_number() && value.get<double>() == 0) continue;
        text += (text.empty() ? "" : ", ") + scalar_text(value) + " " + name;
    }
    return text.empty() ? "none" : text;
}

/// Wall-clock nanoseconds as local date and time, smaller ones as seconds since boot.
std::string time_text(const json& object, std::string_view key) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kWallClock = 1'000'000'000 * kSecond;  // since 2001; no machine has been up for that long
    const auto& value = member(object, key);
    if (!value.is_number_integer()) return kAbsent;
    const auto time = value.get<std::int64_t>();
    if (time < kWallClock) return fmt::format("{:.6f}", static_cast<double>(time) / kSecond);
    const std::time_t seconds = time / kSecond;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}", local, time % kSecond / 1000);
}

/// `later - earlier` of two whole numbers, divided by `by`.
std::string difference_cell(const json& object, std::string_view later, std::string_view earlier, double by) {
    const auto& end = member(object, later);
    const auto& begin = member(object, earlier);
    if (!end.is_number_integer() || !begin.is_number_integer() || begin.get<std::int64_t>() == 0) return kAbsent;
    const auto difference = end.get<std::int64_t>() - begin.get<std::int64_t>();
    return by == 1 ? std::to_string(difference) : fmt::format("{:.3f}", static_cast<double>(difference) / by);
}

void add_event(Table& table, const json& event) {
    const auto& evidence = member(event, "evidence");
    const auto time = cell(event, "time");
    table.add(
        {time == kAbsent ? time_text(event, "time_ns") : time, cell(event, "session"), cell(event, "event"),
         cell(event, "state"), cell(event, "reason"), difference_cell(evidence, "verdict_ns", "last_answer_ns", 1e6),
         difference_cell(evidence, "last_sequence_sent", "last_sequence_answered", 1), cell(evidence, "clock_gap_us")});
}

/// The programs at an interface where XDP is configured.
std::string xdp_text(const json& entrance) {
    const bool xdp = entrance.value("xdp", false);
    const bool tc = entrance.value("tc", false);
    auto because = cell(entrance, "because");
    if (because == kAbsent || because.empty()) return "attached";
    if (!xdp && !tc) return because;
    return std::string(!tc ? "attached: " : xdp ? "attached, and tc too: " : "tc instead: ") + because;
}

}  // namespace

std::string report_status(const json& answer) {
    const auto& clock = member(answer, "clock");
    Table table({{""}, {""}});
    table.add({"node", cell(answer, "node")});
    table.add({"version", cell(answer, "version")});
    table.add({"pid", cell(answer, "pid")});
    table.add({"uptime", duration_cell(answer, "uptime_ms", 1e6)});
    table.add({"attached by", cell(answer, "attached")});
    for (const auto& entrance : member(answer, "xdp"))
        table.add({"XDP of " + cell(entrance, "interface"), xdp_text(entrance)});
    table.add({"clock", cell(clock, "kind")});
    table.add({"tick", duration_cell(clock, "tick_us", 1e3)});
    table.add({"ticks", cell(clock, "ticks")});
    table.add({"longest gap between ticks", duration_cell(clock, "longest_gap_us", 1e3)});
    table.add({"probes that the clock missed", cell(clock, "probes_missed")});
    table.add(
        {"longest lateness of the detector", duration_cell(member(answer, "detector"), "longest_lateness_us", 1e3)});
    table.add({"sessions", sessions_text(member(answer, "sessions"))});
    table.add({"policies", cell(answer, "policies")});
    const bool some = number(answer, "no_candidate").value_or(0) != 0;
    table.add({"policies rerouting now",
               cell(answer, "rerouting") +
                   (some ? fmt::format(" ({} with no candidate left)", cell(answer, "no_candidate")) : "")});
    if (number(answer, "observed").value_or(0) != 0) table.add({"policies only observed", cell(answer, "observed")});
    table.add({"rejected probes", counts_text(member(answer, "rejected_probes"))});
    for (const auto& problem : member(answer, "problems"))
        table.add({"problem", cell(problem, "about") + ": " + cell(problem, "problem")});
    auto text = table.to_string(false);
    const auto& counters = member(answer, "counters");
    if (!counters.is_object() || counters.empty()) return text;
    Table counted({{"COUNTER"}, {"PACKETS", kRight}});
    for (const auto& [name, value] : counters.items()) counted.add({name, scalar_text(value)});
    return text + '\n' + counted.to_string();
}

std::string report_sessions(const json& answer) {
    Table table({{"SESSION"},
                 {"STATE"},
                 {"REASON"},
                 {"INTERFACE"},
                 {"NEIGHBOR"},
                 {"INTERVAL(ms)", kRight},
                 {"MULT", kRight},
                 {"SENT", kRight},
                 {"ANSWERED", kRight},
                 {"RTT(us)", kRight},
                 {"ALLOWANCE(us)", kRight},
                 {"LAST-ANSWER(ms ago)", kRight},
                 {"LOST/64", kRight},
                 {"WAIT(ms)", kRight},
                 {"PENALTY", kRight},
                 {"DOWNS", kRight}});
    const auto& sessions = member(answer, "sessions");
    if (!sessions.is_array() || sessions.empty()) return "no sessions\n";
    for (const auto& session : sessions) {
        table.add({cell(session, "name"), cell(session, "state"), cell(session, "reason"), cell(session, "interface"),
                   cell(session, "neighbor"), scaled_cell(session, "interval_us", 1e3), cell(session, "multiplier"),
                   cell(session, "sent"), cell(session, "answered"), cell(session, "rtt_us"),
                   cell(session, "allowance_us"), scaled_cell(session, "last_answer_age_us", 1e3),
                   cell(session, "lost_of_64"), cell(session, "wait_left_ms"), cell(session, "penalty"),
                   cell(session, "downs")});
    }
    return table.to_string();
}

namespace {

/// "3 too-big, 1 loop"; empty if nothing was dropped.
std::string drops_cell(const json& drops) {
    const auto text = counts_text(drops);
    return text == "none" || text == kAbsent ? "" : text;
}

std::string state_cell(const json& state, const json& list) {
    const auto& refused = member(list, "refused");
    return cell(state, "state") + (refused.is_string() ? " (refused)" : "");
}

/// What is proven of the list: what verifies a backup says more than its sessions do.
std::string probed_cell(const json& list) {
    const auto& verified = member(list, "verified");
    if (!verified.is_string()) return cell(list, "probed");
    return verified == "silent" ? "silent" : "verified";
}

/// The rows of one candidate path: its first list and counters, and further lists below.
void add_candidate(Table& table, std::vector<std::string> first, const json& candidate) {
    const json alone = json::array({candidate});
    const auto& lists = member(candidate, "lists").is_array() ? member(candidate, "lists") : alone;
    bool head = true;
    for (const auto& list : lists) {
        auto cells = std::exchange(first, {"", ""});
        const bool only = lists.size() == 1;
        cells.insert(cells.end(),
                     {head ? cell(candidate, "index") : "", head && member(candidate, "active") == true ? "*" : "",
                      state_cell(only ? candidate : list, list), probed_cell(list), cell(list, "adjacency"),
                      cell(list, "encap"), list_cell(list, "segments"), only ? "" : cell(list, "weight")});
        if (std::exchange(head, false)) {
            cells.insert(cells.end(), {cell(candidate, "packets"), cell(candidate, "bytes"),
                                       drops_cell(member(candidate, "drops"))});
        } else {
            cells.insert(cells.end(), {"", "", ""});
        }
        table.add(cells);
    }
}

/// The name; of a hitless policy with what its packets have now.
std::string policy_cell(const json& policy) {
    auto text = cell(policy, "name");
    if (cell(policy, "protection") == "hitless") {
        text += policy.value("unprotected", false) ? " (hitless, unprotected)" : " (hitless)";
    }
    return text;
}

/// What merging SIDs have seen of each list; empty if there are none.
std::string merging_of(const json& answer) {
    const auto& rows = member(answer, "merging");
    if (!rows.is_array() || rows.empty()) return "";
    Table table({{"MERGING", Table::Align::left, 16},
                 {"FLOW", kRight},
                 {"LIST", kRight},
                 {"FIRST", kRight},
                 {"LATER", kRight},
                 {"TOO-OLD", kRight},
                 {"MISSED", kRight},
                 {"BEHIND(us)", kRight}});
    for (const auto& row : rows) {
        table.add({cell(row, "sid"), cell(row, "flow"), cell(row, "list"), cell(row, "first"), cell(row, "later"),
                   cell(row, "too_old"), cell(row, "missed"), cell(row, "behind_us")});
    }
    return table.to_string();
}

}  // namespace

std::string report_policies(const json& answer) {
    Table table({{"POLICY"},
                 {"PREFIXES"},
                 {"CANDIDATE", kRight},
                 {"ACTIVE"},
                 {"STATE"},
                 {"PROBED"},
                 {"ADJACENCY"},
                 {"ENCAP"},
                 {"SEGMENTS"},
                 {"WEIGHT", kRight},
                 {"PACKETS", kRight},
                 {"BYTES", kRight},
                 {"DROPS"}});
    const auto& policies = member(answer, "policies");
    if (!policies.is_array() || policies.empty()) {
        const auto merging = merging_of(answer);
        return merging.empty() ? "no policies\n" : merging;
    }
    for (const auto& policy : policies) {
        const auto& candidates = member(policy, "candidates");
        std::vector<std::string> first{policy_cell(policy), list_cell(policy, "prefixes", ",")};
        if (!candidates.is_array() || candidates.empty()) {
            table.add(first);
            continue;
        }
        for (const auto& candidate : candidates) {
            add_candidate(table, std::exchange(first, {"", ""}), candidate);
        }
        const auto drops = drops_cell(member(policy, "drops"));
        if (!drops.empty()) table.add({"", "", "none", "", "", "", "", "", "", "", "", "", drops});
    }
    const auto merging = merging_of(answer);
    return table.to_string() + (merging.empty() ? "" : "\n" + merging);
}

std::string report_routing(const json& answer) {
    Table table({{""}, {""}});
    table.add({"source", cell(answer, "source")});
    table.add({"node", cell(answer, "node")});
    table.add({"problem", cell(answer, "problem")});
    table.add({"last good look", duration_cell(answer, "refreshed_age_ms", 1e6)});
    table.add({"last change", duration_cell(answer, "changed_age_ms", 1e6)});
    table.add({"routers", cell(answer, "routers")});
    table.add({"hosts", cell(answer, "hosts")});
    table.add({"links", cell(answer, "links")});
    table.add({"shared prefixes", cell(answer, "shared_prefixes")});
    table.add({"policies", cell(answer, "policies")});
    table.add({"bypasses", cell(answer, "bypasses")});
    table.add({"SIDs", cell(answer, "sids")});
    table.add({"computed in", duration_cell(answer, "computed_us", 1e3)});
    table.add({"back-off", cell(answer, "backoff")});
    table.add({"convergence", cell(answer, "convergence")});
    table.add({"hold left", duration_cell(answer, "hold_left_ms", 1e6)});
    auto text = table.to_string(false);
    const auto& warnings = member(answer, "warnings");
    if (!warnings.is_array()) return text;
    for (const auto& warning : warnings) text += "warning: " + scalar_text(warning) + '\n';
    return text;
}

std::string report_events(const json& answer, bool with_titles) {
    Table table({{"TIME", Table::Align::left, 26},
                 {"SESSION", Table::Align::left, 12},
                 {"EVENT", Table::Align::left, 16},
                 {"STATE", Table::Align::left, 10},
                 {"REASON", Table::Align::left, 15},
                 {"SILENCE(ms)", kRight},
                 {"UNANSWERED", kRight},
                 {"CLOCK-GAP(us)", kRight}});
    const auto& events = member(answer, "events");
    if (events.is_array()) {
        for (const auto& event : events) add_event(table, event);
    } else if (member(answer, "session").is_string()) {
        add_event(table, answer);
    }
    return table.to_string(with_titles);
}

}  // namespace sidestep
