// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the daemon has and says; and all checks together.
#include <algorithm>

#include <fmt/format.h>

#include "doctor/checks.hpp"

namespace sidestep {
namespace {

/// By its subject ("node A" is about the node), or since its text begins with the thing.
bool is_about(const Finding& finding, const std::string& problem) {
    return finding.subject == problem || finding.subject.starts_with(problem + ' ') ||
           finding.text.starts_with(problem);
}

}  // namespace

Findings check_daemon(const Case& node) {
    if (node.daemon.running || !node.config) return {};
    const auto why = node.daemon.silence.empty() ? "no sidestepd runs for it" : node.daemon.silence;
    return {{.severity = Severity::note,
             .subject = "node " + node.config->node,
             .text = why + ": only what is known without probes is checked",
             .command = "sidestepd --config FILE"}};
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

Findings check_problems(const Case& node, const Findings& others) {
    Findings findings;
    for (const auto& problem : node.daemon.problems()) {
        const auto about = problem.value("about", "");
        if (std::ranges::any_of(others, [&](const Finding& finding) { return is_about(finding, about); })) continue;
        findings.push_back({Severity::warning, about, problem.value("problem", ""), "sidestep status"});
    }
    return findings;
}

Findings examine(const Case& node) {
    Findings all;
    const auto add = [&](Findings findings) { std::ranges::move(findings, std::back_inserter(all)); };
    for (auto* check : {check_daemon,           check_configuration, check_interfaces,    check_return_addresses,
                        check_neighbors,        check_answers,       check_forwarding,    check_addresses,
                        check_plain_candidates, check_sids,          check_sid_addresses, check_routes,
                        check_merging,          check_reverse_path,  check_mtu,           check_other_programs,
                        check_neighbor_table,   check_kernel,        check_clock,         check_passed_by,
                        check_backups})
        add(check(node));
    add(check_problems(node, all));
    return all;
}

}  // namespace sidestep
