// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon has and says; and all checks together.
#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include "doctor/checks.hpp"

namespace sidestep {
namespace {

/// By its subject ("node A" is about the node), or since its text begins with the thing.
bool is_about(const Finding& finding, const std::string& problem) {
    return finding.subject == problem || finding.subject.starts_with(problem + ' ') ||
           finding.text.starts_with(problem);
}

/// "interface to-B" for "session A-B", whose troubles it explains.
std::string interface_of(const Case& node, const std::string& about) {
    if (node.config) {
        for (const auto& adjacency : node.config->adjacencies) {
            if (about == "session " + adjacency.name) return "interface " + adjacency.interface;
        }
    }
    return about;
}

/// A packet of doctor's has shown where the session's segments end.
bool is_path_of_lost_list(const Case& node, const std::string& about) {
    return std::ranges::any_of(node.tried, [&](const TriedList& tried) {
        const auto& names = tried.trial.list.sessions;
        return tried.outcome.sent != 0 && !tried.works() &&
               std::ranges::any_of(names, [&](const std::string& name) { return about == "session " + name; });
    });
}

}  // namespace

Findings check_daemon(const Case& node) {
    if (node.daemon.running || !node.config) return {};
    const auto why = node.daemon.silence.empty() ? "no sidestepd runs for it" : node.daemon.silence;
    return {{.severity = Severity::note,
             .subject = "node " + node.config->node,
             .text = why + ": only what is known without probes is checked",
             .command = std::string(node.daemon.silence.starts_with("no permission") ? "sudo sidestep doctor --config "
                                                                                     : "sidestepd --config ") +
                        (node.complaints.file.empty() ? "FILE" : node.complaints.file)}};
}

Findings check_configuration(const Case& node) {
    if (node.hidden) {
        return {{Severity::note, "configuration",
                 fmt::format("{} is not for this user: only what the daemon says is checked", node.complaints.file),
                 "sudo sidestep doctor"}};
    }
    Findings findings;
    const auto add = [&](Severity severity, const std::string& text) {
        findings.push_back({severity, "configuration", text, "sidestep check " + node.complaints.file});
    };
    for (const auto& complaint : node.complaints.list)
        add(Severity::error, "the next start would fail: " + complaint.to_string());
    for (const auto& warning : node.complaints.warnings) add(Severity::warning, warning.to_string());
    return findings;
}

Findings check_routing(const Case& node) {
    Findings findings;
    const auto& routing = node.daemon.routing;
    if (!routing.is_object()) return findings;
    if (const auto problem = routing.value("problem", nlohmann::json()); problem.is_string())
        findings.push_back(
            {Severity::error, "routing", problem.get<std::string>(),
             node.complaints.file.empty() ? "sidestep routing" : "sidestep check " + node.complaints.file});
    for (const auto& warning : routing.value("warnings", std::vector<std::string>())) {
        findings.push_back({Severity::warning, "routing", warning, "sidestep routing"});
    }
    return findings;
}

Findings check_modes(const Case& node) {
    Findings findings;
    if (!node.config) return findings;
    for (const auto& adjacency : node.config->adjacencies) {
        if (adjacency.mode == Mode::observe) {
            findings.push_back({Severity::note, "session " + adjacency.name,
                                "is only observed: its failures are reported, and nothing is rerouted",
                                "mode: repair"});
        }
        const auto session = node.daemon.session(adjacency.name);
        if (session.is_object() && session.value("state", "") == "admin-down") {
            findings.push_back({Severity::note, "session " + adjacency.name,
                                "is down because the operator said so (drained, or its failure is rehearsed)",
                                "sidestep undrain " + adjacency.name});
        }
    }
    return findings;
}

Findings check_counters(const Case& node) {
    struct Suspicion {
        const char* table;
        const char* counter;
        const char* subject;
        const char* text;
        const char* command;
        std::uint64_t least;  ///< a restart of either end may cause a few
    };
    static constexpr std::array<Suspicion, 2> kSuspicions{{
        {"counters", "not-in-domain", "sr-domain",
         "packets to SIDs of this node were dropped, because no prefix of `sr-domain` has their outer source",
         "tcpdump -ni any ip6 proto 43 or ip6 proto 41", 1},
        {"rejected_probes", "bad-mac", "probes",
         "probes were refused for their signature: another node has a return-address of this one, or somebody forges "
         "them",
         "tcpdump -ni any udp port 862", 100},
    }};
    Findings findings;
    if (!node.daemon.running || !node.daemon.status.is_object()) return findings;
    for (const auto& suspicion : kSuspicions) {
        const auto counters = node.daemon.status.value(suspicion.table, nlohmann::json::object());
        const auto count = counters.value(suspicion.counter, std::uint64_t{0});
        if (count < suspicion.least) continue;
        findings.push_back({Severity::warning, suspicion.subject,
                            fmt::format("since its start, {} {}", count, suspicion.text), suspicion.command});
    }
    return findings;
}

Findings check_problems(const Case& node, const Findings& others) {
    Findings findings;
    for (const auto& problem : node.daemon.problems()) {
        const auto about = problem.value("about", "");
        const auto known = [&](const std::string& what) {
            return std::ranges::any_of(others, [&](const Finding& finding) { return is_about(finding, what); });
        };
        const auto said = std::ranges::any_of(
            others, [&](const Finding& finding) { return finding.text.ends_with(problem.value("problem", "?")); });
        if (said || is_path_of_lost_list(node, about) || known(about) || known(interface_of(node, about))) continue;
        findings.push_back({Severity::warning, about, problem.value("problem", ""), "sidestep status"});
    }
    return findings;
}

Findings examine(const Case& node) {
    Findings all;
    const auto add = [&](Findings findings) { std::ranges::move(findings, std::back_inserter(all)); };
    for (auto* check :
         {check_daemon,        check_configuration, check_interfaces,       check_return_addresses, check_neighbors,
          check_answers,       check_ingress,       check_counters,         check_routing,          check_modes,
          check_forwarding,    check_addresses,     check_plain_candidates, check_backups,          check_sids,
          check_sid_addresses, check_routes,        check_merging,          check_reverse_path,     check_vrfs,
          check_mtu,           check_computed_mtu,  check_other_programs,   check_neighbor_table,   check_kernel,
          check_clock,         check_passed_by})
        add(check(node));
    add(check_problems(node, all));
    return all;
}

}  // namespace sidestep
