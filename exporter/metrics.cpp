// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names follow Prometheus' conventions: base units, _total for counters, times instead of ages.
#include "exporter/metrics.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "bpf/abi/sidestep.h"
#include "exporter/session_metrics.hpp"
#include "exporter/table_answer.hpp"
#include "exporter/text_page.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;

constexpr double kMicro = 1e-6;
constexpr double kMilli = 1e-3;

constexpr Family kUp{"sidestep_up", FamilyType::gauge, "Whether the node's detector answered."};
constexpr Family kBuild{"sidestep_build_info", FamilyType::gauge, "The detector's version; always 1."};
constexpr Family kProblems{"sidestep_problems", FamilyType::gauge,
                           "Problems that `sidestep status` lists, sessions that were never proven among them."};
constexpr Family kActive{"sidestep_policy_active_candidate", FamilyType::gauge,
                         "Index of the candidate that packets take; -1: none is usable."};
constexpr Family kPolicyCopies{"sidestep_policy_copies", FamilyType::gauge,
                               "Copies in which packets of a hitless policy leave; fewer than 2: unprotected."};
constexpr Family kUndrainedActive{"sidestep_policy_undrained_candidate", FamilyType::gauge,
                                  "Index of the candidate that packets would take if nothing were drained; only while "
                                  "that is another one."};
constexpr Family kUndrainedCopies{"sidestep_policy_undrained_copies", FamilyType::gauge,
                                  "Copies in which packets would leave if nothing were drained; only while these are "
                                  "others."};
constexpr Family kCopies{"sidestep_copies_total", FamilyType::counter,
                         "Copies that a merging SID got, by flow, list and what became of them."};
constexpr Family kMissedCopies{"sidestep_copies_missed", FamilyType::gauge,
                               "Packets of a flow that came by another list and not, or not yet, by this one."};
constexpr Family kBehind{"sidestep_copies_behind_seconds", FamilyType::gauge,
                         "How long after the first copy a later one comes by this list."};
constexpr Family kRepaired{"sidestep_repaired_packets_total", FamilyType::counter, "Packets that left by a backup."};
constexpr Family kDropped{"sidestep_dropped_packets_total", FamilyType::counter, "Packets dropped, by reason."};
constexpr Family kUnrepaired{"sidestep_unrepaired_packets_total", FamilyType::counter,
                             "Packets left to the kernel although their path was down, by reason."};
constexpr Family kRejected{"sidestep_rejected_probes_total", FamilyType::counter,
                           "Packets to the probes' address that were refused, by reason."};
constexpr Family kGap{"sidestep_clock_gap_seconds", FamilyType::gauge,
                      "Longest of the last 64 to 128 gaps of the clock."};
constexpr Family kMissed{"sidestep_clock_missed_probes_total", FamilyType::counter,
                         "Probes not sent since the clock was late."};
constexpr Family kRoutingAge{"sidestep_routing_age_seconds", FamilyType::gauge,
                             "Since the network's graph was last read without a problem."};
constexpr Family kRoutingProblem{"sidestep_routing_problem", FamilyType::gauge,
                                 "Whether the network's graph cannot be read now."};

/// All other drops and outcomes leave the packet to the kernel.
constexpr std::array<std::string_view, 7> kDropReasons{"not-in-domain", "sid-failed", "too-big",      "push-failed",
                                                       "stale-copy",    "no-flow",    "cannot-number"};
constexpr std::array kUnrepairedReasons{
#define SIDESTEP_TEXT(name, text) std::string_view(text),
    SS_DROPS(SIDESTEP_TEXT)
#undef SIDESTEP_TEXT
};

/// One node's metrics; all of them have its label.
class NodeMetrics {
  public:
    NodeMetrics(TextPage& page, const NodeAnswers& answers)
        : page_(page), answers_(answers), node_label_(label("node", answers.node)) {}

    void add_all() {
        page_.add(kUp, node_label_, answers_.status.is_object() ? 1 : 0);
        if (answers_.status.is_object()) add_status();
        add_sessions(page_, answers_.metrics, node_label_);
        add_policies(part(answers_.metrics, "policies"));
        add_merging(part(answers_.metrics, "merging"));
        if (answers_.routing.is_object()) add_routing();
    }

  private:
    void add(const Family& family, const std::optional<double>& value) {
        if (value) page_.add(family, node_label_, *value);
    }
    void add(const Family& family, std::string_view name, std::string_view text, const std::optional<double>& value) {
        if (value) page_.add(family, node_label_ + "," + label(name, text), *value);
    }

    void add_status() {
        const auto& status = answers_.status;
        add(kBuild, "version", text(part(status, "version")), 1);
        if (const auto& problems = part(status, "problems"); problems.is_array())
            add(kProblems, static_cast<double>(problems.size()));
        const auto& counters = part(status, "counters");
        add(kRepaired, number(part(counters, "repaired")));
        for (const auto reason : kDropReasons) add(kDropped, "reason", reason, number(part(counters, reason)));
        for (const auto reason : kUnrepairedReasons) {
            if (std::ranges::count(kDropReasons, reason) == 0)
                add(kUnrepaired, "reason", reason, number(part(counters, reason)));
        }
        const auto& rejected = part(status, "rejected_probes");
        if (rejected.is_object()) {
            for (const auto& [reason, count] : rejected.items()) add(kRejected, "reason", reason, number(count));
        }
        const auto& clock = part(status, "clock");
        if (const auto gap = number(part(clock, "recent_gap_us"))) add(kGap, *gap * kMicro);
        add(kMissed, number(part(clock, "probes_missed")));
    }

    void add_policies(const json& table) {
        const auto& rows = part(table, "rows");
        if (!rows.is_array()) return;
        const auto name = column(table, "name");
        const auto active = column(table, "active");
        const auto copies = column(table, "copies");
        const auto undrained_active = column(table, "undrained_active");
        const auto undrained_copies = column(table, "undrained_copies");
        for (const auto& row : rows) {
            add(kActive, "policy", text(cell(row, name)), number(cell(row, active)));
            add(kPolicyCopies, "policy", text(cell(row, name)), number(cell(row, copies)));
            add(kUndrainedActive, "policy", text(cell(row, name)), number(cell(row, undrained_active)));
            add(kUndrainedCopies, "policy", text(cell(row, name)), number(cell(row, undrained_copies)));
        }
    }

    void add_merging(const json& rows) {
        if (!rows.is_array()) return;
        for (const auto& row : rows) {
            const auto of = node_label_ + "," + label("flow", part(row, "flow").dump()) + "," +
                            label("list", part(row, "list").dump());
            for (const auto* fate : {"first", "later", "too_old"}) {
                if (const auto copies = number(part(row, fate)))
                    page_.add(kCopies, of + "," + label("fate", fate), *copies);
            }
            if (const auto missed = number(part(row, "missed"))) page_.add(kMissedCopies, of, *missed);
            if (const auto behind = number(part(row, "behind_us"))) page_.add(kBehind, of, *behind * kMicro);
        }
    }

    void add_routing() {
        const auto& routing = answers_.routing;
        if (const auto age = number(part(routing, "refreshed_age_ms"))) add(kRoutingAge, *age * kMilli);
        if (routing.contains("problem")) add(kRoutingProblem, routing["problem"].is_null() ? 0 : 1);
    }

    TextPage& page_;
    const NodeAnswers& answers_;
    const std::string node_label_;
};

}  // namespace

std::vector<std::string> metrics_of(const std::vector<NodeAnswers>& nodes) {
    TextPage page;
    for (const auto& node : nodes) NodeMetrics(page, node).add_all();
    return page.take();
}

}  // namespace sidestep::exporter
