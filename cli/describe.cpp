// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints what a configuration means, for people.
#include "cli/describe.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/table.hpp"
#include "common/texts.hpp"
#include "detector/core/detection.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {
namespace {

using Row = std::vector<std::string>;

/// Milliseconds with as many decimals as microseconds need.
std::string ms(Nanoseconds duration) {
    return fmt::format("{:.3f}", std::chrono::duration<double, std::milli>(duration).count());
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    return fmt::format("{}", fmt::join(parts, between));
}

// --- the node

std::string routing_line(const RoutingConfig& routing) {
    const auto source = routing.topology.empty() ? std::string("IS-IS") : "topology " + routing.topology;
    return fmt::format("routing: {}, as {}, protects {}, {} of at most {} segments{}, hold {}\n", source,
                       routing.node.empty() ? "the router that vtysh talks to" : routing.node, routing.protect,
                       to_string(routing.encap), routing.max_segments,
                       routing.next_csid ? " in next-csid containers" : "", format_duration(routing.hold));
}

std::vector<std::string> observed_adjacencies(const Config& config) {
    std::vector<std::string> names;
    for (const auto& adjacency : config.adjacencies) {
        if (adjacency.mode == Mode::observe) names.push_back(adjacency.name);
    }
    return names;
}

std::string describe_reflector(std::string_view protocol, const ReflectorConfig& reflector) {
    return fmt::format("{} reflector: port {} of {}, answers {}, {} a second on each CPU\n", protocol, reflector.port,
                       joined(texts(reflector.addresses), ", "), joined(texts(reflector.sources), ", "),
                       reflector.rate);
}

/// Settings that many nodes do not have are printed only if present.
std::string describe_node(const Config& config, Nanoseconds tick) {
    std::vector<std::string> sources;
    if (!config.source.is_unspecified()) sources.push_back(config.source.to_string());
    if (config.source_v4) sources.push_back(config.source_v4->to_string());
    auto text = fmt::format("node {}, source {}", config.node, joined(sources, " and "));
    text += fmt::format(", clock {}, tick {}\n", to_string(config.clock), format_duration(tick));
    if (const auto observed = observed_adjacencies(config); !observed.empty())
        text += fmt::format("mode observe: packets are counted, not moved, for {}\n", joined(observed, ", "));
    text += fmt::format("ingress: {}\n", config.ingress.empty() ? "none" : joined(config.ingress, ", "));
    if (!config.xdp.empty())
        text +=
            fmt::format("at XDP: {}{}\n", joined(config.xdp, ", "), config.xdp_on_virtual ? ", virtual ones, too" : "");
    if (!config.device.empty()) text += fmt::format("policy device: {}\n", config.device);
    if (!config.domain.empty()) text += fmt::format("SR domain: {}\n", joined(texts(config.domain), ", "));
    if (config.routing) text += routing_line(*config.routing);
    if (config.stamp) text += describe_reflector("STAMP", *config.stamp);
    if (config.sbfd) text += describe_reflector("S-BFD", *config.sbfd);
    if (config.bfd)
        text +=
            fmt::format("BFD: data plane of FRR's bfdd at {}, mode {}\n", config.bfd->frr, to_string(config.bfd->mode));
    return text;
}

// --- sessions

std::string describe_adjacencies(const Config& config, Nanoseconds tick) {
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
        const auto times = detection_times(probe, tick);
        table.add({session.name, session.interface, session.neighbor.to_string(),
                   is_single_hop(session) ? std::string(turnaround_name(session)) : std::string(kind_of(session)),
                   ms(probe.interval), std::to_string(probe.multiplier), ms(allowance_of(probe)),
                   ms(times.shortest) + ".." + ms(times.longest), ms(times.from_failure), ms(times.restore)});
    }
    return table.to_string() +
           "VERDICT: from the first unanswered probe until the adjacency is down; FROM-FAILURE: from the failure, at "
           "most.\n"
           "RESTORE: from the first answered probe until it is trusted again, at least.\n"
           "The round trip may exceed the interval; if it exceeds the allowance, the excess adds to both.\n";
}

// --- candidates, of policies and of bypasses

Table table_of_lists(std::vector<Table::Column> columns) {
    columns.insert(columns.end(), {{"CANDIDATE", Table::Align::right},
                                   {"WEIGHT", Table::Align::right},
                                   {"ADJACENCY"},
                                   {"ENCAP"},
                                   {"SEGMENTS"},
                                   {"PATHS"}});
    return Table(std::move(columns));
}

/// One row per segment list. Its candidate's number is at the first one; a weight is there if there is a choice.
std::vector<Row> rows_of(const std::vector<CandidateConfig>& candidates) {
    std::vector<Row> rows;
    for (std::size_t index = 0; index < candidates.size(); ++index) {
        const auto& lists = candidates[index].lists;
        for (const auto& list : lists) {
            rows.push_back({&list == &lists.front() ? std::to_string(index) : "",
                            lists.size() > 1 ? std::to_string(list.weight) : "", list.adjacency,
                            std::string(to_string(list.encap)), joined(texts(list.segments), " "),
                            joined(list.sessions, " ")});
        }
    }
    return rows;
}

std::string steering_of(const PolicyConfig& policy) {
    auto text = std::string(to_string(policy.steering));
    if (policy.steering != Steering::transit) text += fmt::format(", metric {}", policy.metric);
    if (policy.flow != 0) text += fmt::format(", hitless as flow {}", policy.flow);
    return policy.over_routes ? text + ", over routes" : text;
}

std::string describe_policies(const Config& config) {
    auto table = table_of_lists({{"POLICY"}, {"PREFIXES"}, {"STEERING"}});
    for (const auto& policy : config.policies) {
        const auto prefixes = texts(policy.prefixes);
        const auto lists = rows_of(policy.candidates);
        for (std::size_t row = 0; row < std::max(prefixes.size(), lists.size()); ++row) {
            Row cells{row == 0 ? policy.name : "", row < prefixes.size() ? prefixes[row] : "",
                      row == 0 ? steering_of(policy) : ""};
            if (row < lists.size()) cells.insert(cells.end(), lists[row].begin(), lists[row].end());
            table.add(cells);
        }
    }
    if (!table.empty()) return table.to_string();
    if (config.routing) return "no policies except those that routing computes\n";
    const bool bypasses =
        std::ranges::any_of(config.adjacencies, [](const auto& each) { return !each.bypass.empty(); });
    return bypasses ? "no policies: bypasses only\n" : "no policies: failures are reported, traffic is left alone\n";
}

std::string describe_bypasses(const Config& config) {
    auto table = table_of_lists({{"BYPASS-OF"}});
    for (const auto& adjacency : config.adjacencies) {
        auto name = adjacency.name;
        for (const auto& row : rows_of(adjacency.bypass)) {
            Row cells{std::exchange(name, "")};
            cells.insert(cells.end(), row.begin(), row.end());
            table.add(cells);
        }
    }
    return table.empty() ? "" : "\n" + table.to_string();
}

// --- SIDs

std::string describe_sids(const Config& config) {
    Table table({{"SID"}, {"BEHAVIOR"}, {"FLAVORS"}, {"ADJACENCY"}, {"ROUTE"}});
    for (const auto& sid : config.sids) {
        Row flavors;
        if (sid.psp) flavors.emplace_back("psp");
        if (sid.usp) flavors.emplace_back("usp");
        if (sid.usd) flavors.emplace_back("usd");
        if (sid.next_csid) flavors.push_back(fmt::format("next-csid {}+{}", sid.block_bits, sid.function_bits));
        if (!sid.flows.empty()) {
            flavors.push_back(fmt::format("merges flow {}, {} numbers", fmt::join(sid.flows, " "), sid.window));
        }
        table.add({sid.sid.to_string(), std::string(to_string(sid.behavior)), joined(flavors, ", "), sid.adjacency,
                   sid.install ? "installed" : ""});
    }
    return table.empty() ? "" : "\n" + table.to_string();
}

}  // namespace

std::string describe(const Config& config) {
    const auto tick = tick_of(config);
    return describe_node(config, tick) + "\n" + describe_adjacencies(config, tick) + "\n" + describe_policies(config) +
           describe_bypasses(config) + describe_sids(config);
}

}  // namespace sidestep
