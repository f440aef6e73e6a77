// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a configuration means.
#include "detector/app/describe.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "detector/app/table.hpp"
#include "detector/core/detection.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_config.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

double in_ms(Nanoseconds duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

double in_us(Nanoseconds duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

/// Milliseconds with as many decimals as microseconds need.
std::string ms(Nanoseconds duration) {
    return fmt::format("{:.3f}", in_ms(duration));
}

template <typename Items>
std::vector<std::string> texts(const Items& items) {
    std::vector<std::string> result;
    for (const auto& item : items) result.push_back(item.to_string());
    return result;
}

std::string describe_adjacencies(const Config& config, Nanoseconds beat) {
    constexpr auto kRight = Table::Align::right;
    Table table({{"ADJACENCY"},
                 {"INTERFACE"},
                 {"NEIGHBOR"},
                 {"TURNAROUND"},
                 {"INTERVAL(ms)", kRight},
                 {"MULT", kRight},
                 {"ALLOWANCE(ms)", kRight},
                 {"VERDICT(ms)", kRight},
                 {"FROM-FAILURE(ms)", kRight},
                 {"RESTORE(ms)", kRight}});
    for (const auto& session : sessions_of(config)) {
        const auto& probe = session.probe;
        const auto times = detection_times(probe, beat);
        table.add({session.name, session.interface, session.neighbor.to_string(),
                   session.encaps.empty() && !session.passive_source ? std::string(to_string(probe.turnaround))
                                                                     : std::string(kind_of(session)),
                   ms(probe.interval), std::to_string(probe.multiplier), ms(allowance_of(probe)),
                   ms(times.shortest) + ".." + ms(times.longest), ms(times.from_failure), ms(times.restore)});
    }
    return table.to_string() +
           "VERDICT: from the first unanswered probe until the adjacency is down; FROM-FAILURE: from the failure, at "
           "most.\n"
           "RESTORE: from the first answered probe until it is trusted again, at least.\n"
           "The round trip may exceed the interval; what it exceeds the allowance by adds to both.\n";
}

std::string describe_policies(const Config& config) {
    Table table({{"POLICY"},
                 {"PREFIXES"},
                 {"CANDIDATE", Table::Align::right},
                 {"ADJACENCY"},
                 {"ENCAP"},
                 {"SEGMENTS"},
                 {"PATHS"}});
    for (const auto& policy : config.policies) {
        const auto prefixes = texts(policy.prefixes);
        const auto rows = std::max(prefixes.size(), policy.candidates.size());
        for (std::size_t row = 0; row < rows; ++row) {
            std::vector<std::string> cells{row == 0 ? policy.name : "", row < prefixes.size() ? prefixes[row] : ""};
            if (row < policy.candidates.size()) {
                const auto& [adjacency, encap, segments, sessions] = policy.candidates[row];
                cells.insert(cells.end(), {std::to_string(row), adjacency, std::string(to_string(encap)),
                                           fmt::format("{}", fmt::join(texts(segments), " ")),
                                           fmt::format("{}", fmt::join(sessions, " "))});
            }
            table.add(std::move(cells));
        }
    }
    if (table.empty()) return "no policies: failures are reported, traffic is left alone\n";
    return table.to_string();
}

json session_json(const SessionConfig& session, Nanoseconds beat) {
    const auto& probe = session.probe;
    const auto times = detection_times(probe, beat);
    return {{"name", session.name},
            {"interface", session.interface},
            {"neighbor", session.neighbor.to_string()},
            {"path", texts(session.encaps)},
            {"sink", probe.sink.to_string()},
            {"turnaround", to_string(probe.turnaround)},
            {"segment", probe.back.empty() ? json(nullptr) : json(probe.back.front().to_string())},
            {"interval_us", in_us(probe.interval)},
            {"multiplier", probe.multiplier},
            {"up_count", probe.up_count},
            {"allowance_us", in_us(allowance_of(probe))},
            {"wait_to_restore_ms", in_ms(probe.wait_to_restore)},
            {"verdict_min_ms", in_ms(times.shortest)},
            {"verdict_max_ms", in_ms(times.longest)},
            {"from_failure_max_ms", in_ms(times.from_failure)},
            {"restore_min_ms", in_ms(times.restore)}};
}

json policy_json(const PolicyConfig& policy) {
    auto candidates = json::array();
    for (const auto& [adjacency, encap, segments, sessions] : policy.candidates) {
        candidates.push_back({{"index", candidates.size()},
                              {"adjacency", adjacency},
                              {"encap", to_string(encap)},
                              {"segments", texts(segments)},
                              {"sessions", sessions}});
    }
    return {{"name", policy.name}, {"prefixes", texts(policy.prefixes)}, {"candidates", std::move(candidates)}};
}

}  // namespace

std::string describe(const Config& config) {
    const auto beat = beat_of(config);
    return fmt::format("node {}, source {}, clock {}, beat {}\ningress: {}\n\n{}\n{}", config.node,
                       config.source.to_string(), to_string(config.clock), format_duration(beat),
                       config.ingress.empty() ? "none" : fmt::format("{}", fmt::join(config.ingress, ", ")),
                       describe_adjacencies(config, beat), describe_policies(config));
}

json describe_json(const Config& config) {
    const auto beat = beat_of(config);
    auto adjacencies = json::array();
    auto paths = json::array();
    auto passives = json::array();
    for (const auto& session : sessions_of(config)) {
        auto& list = session.passive_source ? passives : session.encaps.empty() ? adjacencies : paths;
        list.push_back(session_json(session, beat));
    }
    auto policies = json::array();
    for (const auto& policy : config.policies) policies.push_back(policy_json(policy));
    return {{"node", config.node},
            {"source_address", config.source.to_string()},
            {"clock", {{"kind", to_string(config.clock)}, {"beat_us", in_us(beat)}}},
            {"adjacencies", std::move(adjacencies)},
            {"paths", std::move(paths)},
            {"passives", std::move(passives)},
            {"policies", std::move(policies)},
            {"ingress", config.ingress}};
}

}  // namespace sidestep
