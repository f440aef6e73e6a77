// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names follow Prometheus' conventions: base units, _total for counters, times instead of ages.
#include "exporter/metrics.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "bpf/abi/sidestep.h"
#include "detector/core/reason.hpp"
#include "detector/core/session_fsm.hpp"
#include "exporter/family_set.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;
using prometheus::MetricType;
using Kind = FamilySet::Kind;

constexpr double kMicro = 1e-6;
constexpr double kMilli = 1e-3;

constexpr Kind kUp{"sidestep_up", MetricType::Gauge, "Whether the node's detector answered."};
constexpr Kind kBuild{"sidestep_build_info", MetricType::Gauge, "The detector's version; always 1."};
constexpr Kind kProblems{"sidestep_problems", MetricType::Gauge,
                         "Problems that `sidestep status` lists, sessions that were never proven among them."};
constexpr Kind kSessionUp{"sidestep_session_up", MetricType::Gauge,
                          "Whether the session's link or path carries packets (state up or degraded)."};
constexpr Kind kSessionState{"sidestep_session_state", MetricType::Gauge, "1 for the state that the session is in."};
constexpr Kind kDowns{"sidestep_session_downs_total", MetricType::Counter,
                      "Failures of the session by reason, as far as the kept events tell."};
constexpr Kind kTransition{"sidestep_session_last_transition_timestamp_seconds", MetricType::Gauge,
                           "When the session last changed its state, if that is known."};
constexpr Kind kSent{"sidestep_session_probes_sent_total", MetricType::Counter,
                     "Probes sent; of a passive session, expected."};
constexpr Kind kLost{"sidestep_session_probes_lost_total", MetricType::Counter,
                     "Probes that were never answered, without the last 64, which may still be."};
constexpr Kind kRtt{"sidestep_session_rtt_seconds", MetricType::Histogram,
                    "Round trips of probes. The sum is an estimate from the data plane's buckets."};
constexpr Kind kActive{"sidestep_policy_active_candidate", MetricType::Gauge,
                       "Index of the candidate that packets take; -1: none is usable."};
constexpr Kind kRepaired{"sidestep_repaired_packets_total", MetricType::Counter, "Packets that left by a backup."};
constexpr Kind kDropped{"sidestep_dropped_packets_total", MetricType::Counter, "Packets dropped, by reason."};
constexpr Kind kUnrepaired{"sidestep_unrepaired_packets_total", MetricType::Counter,
                           "Packets left to the kernel although their path was down, by reason."};
constexpr Kind kRejected{"sidestep_rejected_probes_total", MetricType::Counter,
                         "Packets to the probes' address that were refused, by reason."};
constexpr Kind kGap{"sidestep_clock_gap_seconds", MetricType::Gauge,
                    "Longest of the last 64 to 128 gaps of the clock."};
constexpr Kind kMissed{"sidestep_clock_missed_probes_total", MetricType::Counter,
                       "Probes not sent since the clock was late."};
constexpr Kind kRoutingAge{"sidestep_routing_age_seconds", MetricType::Gauge,
                           "Since the network's graph was last read without a problem."};
constexpr Kind kRoutingProblem{"sidestep_routing_problem", MetricType::Gauge,
                               "Whether the network's graph cannot be read now."};

/// All other drops and outcomes leave the packet to the kernel.
constexpr std::array<std::string_view, 3> kDropReasons{"not-in-domain", "too-big", "push-failed"};
constexpr std::array kUnrepairedReasons{
#define SIDESTEP_TEXT(name, text) std::string_view(text),
    SS_DROPS(SIDESTEP_TEXT)
#undef SIDESTEP_TEXT
};

std::string text(const json& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::optional<double> number(const json& object, std::string_view name) {
    if (!object.is_object()) return std::nullopt;
    const auto at = object.find(name);
    if (at == object.end() || !at->is_number()) return std::nullopt;
    return at->get<double>();
}

const json& part(const json& object, const char* name) {
    static const json none;
    if (!object.is_object()) return none;
    const auto at = object.find(name);
    return at == object.end() ? none : *at;
}

/// Bucket i of the data plane counts [2^i, 2^(i+1)) us. Every second of the bounds from 16 us to 1 s is enough here.
prometheus::ClientMetric::Histogram round_trips(const json& buckets) {
    prometheus::ClientMetric::Histogram result;
    for (std::uint64_t bound = 16; bound <= 1U << 20U; bound *= 4)
        result.bucket.push_back({.cumulative_count = 0, .upper_bound = static_cast<double>(bound) * kMicro});
    result.bucket.push_back({.cumulative_count = 0, .upper_bound = std::numeric_limits<double>::infinity()});
    if (!buckets.is_array()) return result;
    for (const auto& bucket : buckets) {
        const auto from = number(bucket, "from_us").value_or(0) * kMicro;
        const auto count = static_cast<std::uint64_t>(number(bucket, "count").value_or(0));
        result.sample_count += count;
        result.sample_sum += 1.5 * from * static_cast<double>(count);  // the middle of the bucket
        for (auto& at : result.bucket) {
            if (2 * from <= at.upper_bound * (1 + 1e-9)) at.cumulative_count += count;
        }
    }
    return result;
}

/// One node's metrics; all of them have its label.
class NodeMetrics {
  public:
    NodeMetrics(FamilySet& families, const NodeAnswers& answers) : families_(families), answers_(answers) {}

    void add_all() {
        add(kUp, {}, answers_.status.is_object() ? 1.0 : 0.0);
        if (answers_.status.is_object()) add_status();
        for (const auto& session : part(answers_.sessions, "sessions")) add_session(session);
        for (const auto& policy : part(answers_.policies, "policies")) add_policy(policy);
        if (answers_.routing.is_object()) add_routing();
    }

  private:
    void add(const Kind& kind, const Labels& labels, const std::optional<double>& value) {
        if (value) families_.add(kind, with_node(labels), *value);
    }
    [[nodiscard]] Labels with_node(const Labels& labels) const {
        Labels all{{"node", answers_.node}};
        all.insert(all.end(), labels.begin(), labels.end());
        return all;
    }

    void add_status() {
        const auto& status = answers_.status;
        add(kBuild, {{"version", text(status, "version")}}, 1.0);
        if (const auto& problems = part(status, "problems"); problems.is_array())
            add(kProblems, {}, static_cast<double>(problems.size()));
        const auto& counters = part(status, "counters");
        add(kRepaired, {}, number(counters, "repaired"));
        for (const auto reason : kDropReasons)
            add(kDropped, {{"reason", std::string(reason)}}, number(counters, reason));
        for (const auto reason : kUnrepairedReasons) {
            if (std::ranges::count(kDropReasons, reason) == 0)
                add(kUnrepaired, {{"reason", std::string(reason)}}, number(counters, reason));
        }
        const auto& rejected = part(status, "rejected_probes");
        if (rejected.is_object()) {
            for (const auto& [reason, count] : rejected.items())
                add(kRejected, {{"reason", reason}}, number(rejected, reason));
        }
        const auto& clock = part(status, "clock");
        if (const auto gap = number(clock, "recent_gap_us")) add(kGap, {}, *gap * kMicro);
        add(kMissed, {}, number(clock, "probes_missed"));
    }

    void add_session(const json& session) {
        if (!session.is_object()) return;
        const Labels labels{{"session", text(session, "name")}};
        const auto state = text(session, "state");
        add(kSessionUp, {labels[0], {"kind", text(session, "kind")}, {"interface", text(session, "interface")}},
            state == "up" || state == "degraded" ? 1.0 : 0.0);
        for (std::size_t i = 0; i < kSessionStates; ++i) {
            const auto one = to_string(static_cast<SessionState>(i));
            add(kSessionState, {labels[0], {"state", std::string(one)}}, one == state ? 1 : 0);
        }
        const auto& downs = part(session, "downs_by_reason");
        if (downs.is_object()) {
            for (std::size_t i = 0; i < kReasons; ++i) {
                const auto reason = static_cast<Reason>(i);
                if (is_failure(reason))
                    add(kDowns, {labels[0], {"reason", std::string(to_string(reason))}},
                        number(downs, to_string(reason)).value_or(0));
            }
        }
        if (const auto at = number(session, "last_change_ms")) add(kTransition, labels, *at * kMilli);
        add(kSent, labels, number(session, "sent"));
        add(kLost, labels, number(session, "lost"));
        if (text(session, "kind") != "passive")
            families_.add(kRtt, with_node(labels), round_trips(part(session, "rtt_histogram")));
    }

    void add_policy(const json& policy) {
        if (!policy.is_object()) return;
        double active = -1;
        for (const auto& candidate : part(policy, "candidates")) {
            if (candidate.is_object() && candidate.value("active", false))
                active = number(candidate, "index").value_or(-1);
        }
        add(kActive, {{"policy", text(policy, "name")}}, active);
    }

    void add_routing() {
        const auto& routing = answers_.routing;
        if (const auto age = number(routing, "refreshed_age_ms")) add(kRoutingAge, {}, *age * kMilli);
        if (routing.contains("problem")) add(kRoutingProblem, {}, routing["problem"].is_null() ? 0.0 : 1.0);
    }

    FamilySet& families_;
    const NodeAnswers& answers_;
};

}  // namespace

std::vector<prometheus::MetricFamily> metrics_of(const std::vector<NodeAnswers>& nodes) {
    FamilySet families;
    for (const auto& node : nodes) NodeMetrics(families, node).add_all();
    return families.take();
}

}  // namespace sidestep::exporter
