// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "exporter/session_metrics.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "detector/core/reason.hpp"
#include "detector/core/session_fsm.hpp"
#include "exporter/table_answer.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;

constexpr Family kSessionUp{"sidestep_session_up", FamilyType::gauge,
                            "Whether the session's link or path carries packets (state up or degraded)."};
constexpr Family kSessionState{"sidestep_session_state", FamilyType::gauge, "1 for the state that the session is in."};
constexpr Family kDowns{"sidestep_session_downs_total", FamilyType::counter,
                        "Failures of the session by reason, as far as the kept events tell."};
constexpr Family kTransition{"sidestep_session_last_transition_timestamp_seconds", FamilyType::gauge,
                             "When the session last changed its state, if that is known."};
constexpr Family kProbesSent{"sidestep_session_probes_sent_total", FamilyType::counter,
                             "Probes sent; of a passive session, expected."};
constexpr Family kProbesLost{"sidestep_session_probes_lost_total", FamilyType::counter,
                             "Probes that were never answered, without the last 64, which may still be."};
constexpr Family kRtt{"sidestep_session_rtt_seconds", FamilyType::histogram,
                      "Round trips of probes. The sum is an estimate from the data plane's buckets."};

constexpr double kMicrosecond = 1e-6;
constexpr double kMillisecond = 1e-3;

// Bucket i of the data plane counts [2^i, 2^(i+1)) us. Every second of the bounds from 16 us to 1 s is enough here.
constexpr unsigned kFirstBound = 4;  // 2^4 us
constexpr unsigned kLastBound = 20;
constexpr std::size_t kBounds = (kLastBound - kFirstBound) / 2 + 1;

struct RoundTrips {
    std::array<std::uint64_t, kBounds> up_to{};
    std::uint64_t count = 0;
    double sum = 0;
};

/// `pairs`: a bucket and its count, and so on.
RoundTrips round_trips(const json& pairs) {
    RoundTrips result;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        if (!pairs[i].is_number_unsigned() || !pairs[i + 1].is_number_unsigned()) continue;
        const auto bucket = pairs[i].get<unsigned>();
        const auto count = pairs[i + 1].get<std::uint64_t>();
        result.count += count;
        result.sum += 1.5 * std::exp2(bucket) * kMicrosecond * static_cast<double>(count);  // the middle of the bucket
        for (std::size_t k = 0; k < kBounds; ++k) {
            if (bucket + 1 <= kFirstBound + 2 * k) result.up_to.at(k) += count;
        }
    }
    return result;
}

/// The names that rows give by number.
std::vector<std::string_view> names_in(const json& answer, std::string_view field) {
    std::vector<std::string_view> names;
    const auto& list = part(answer, field);
    if (!list.is_array()) return names;
    for (const auto& name : list) names.push_back(text(name));
    return names;
}

std::string_view name_of(const std::vector<std::string_view>& names, const json& index) {
    if (!index.is_number_unsigned()) return "";
    const auto at = index.get<std::size_t>();
    return at < names.size() ? names[at] : std::string_view();
}

/// What follows the session's labels, made once.
struct Endings {
    std::vector<std::pair<std::string_view, std::string>> states;
    std::vector<std::pair<std::string_view, std::string>> reasons;
    std::array<std::string, kBounds> bounds;

    Endings() {
        for (std::size_t i = 0; i < kSessionStates; ++i) {
            const auto name = to_string(static_cast<SessionState>(i));
            states.emplace_back(name, "," + label("state", name) + "} ");
        }
        for (std::size_t i = 0; i < kReasons; ++i) {
            const auto reason = static_cast<Reason>(i);
            const auto name = to_string(reason);
            if (is_failure(reason)) reasons.emplace_back(name, "," + label("reason", name) + "} ");
        }
        for (std::size_t k = 0; k < kBounds; ++k) {
            const double bound = static_cast<double>(1U << (kFirstBound + 2 * k)) * kMicrosecond;
            bounds.at(k) = fmt::format(",le=\"{}\"}} ", bound);
        }
    }
};

class SessionRows {
  public:
    SessionRows(TextPage& page, const json& answer, const std::string& node_label)
        : page_(page),
          node_label_(node_label),
          kinds_(names_in(answer, "kinds")),
          states_(names_in(answer, "states")),
          reasons_(names_in(answer, "reasons")),
          rows_(part(part(answer, "sessions"), "rows")) {
        const auto& table = part(answer, "sessions");
        name_ = column(table, "name");
        kind_ = column(table, "kind");
        interface_ = column(table, "interface");
        state_ = column(table, "state");
        sent_ = column(table, "sent");
        lost_ = column(table, "lost");
        changed_ = column(table, "last_change_ms");
        downs_ = column(table, "downs");
        rtt_ = column(table, "rtt");
    }

    void add_all() {
        if (!rows_.is_array()) return;
        for (const auto& row : rows_) {
            if (row.is_array()) add(row);
        }
    }

  private:
    void add(const json& row) {
        labels_ = node_label_ + "," + label("session", text(cell(row, name_)));
        const auto kind = name_of(kinds_, cell(row, kind_));
        const auto state = name_of(states_, cell(row, state_));
        page_.add(kSessionUp,
                  labels_ + "," + label("kind", kind) + "," + label("interface", text(cell(row, interface_))),
                  state == "up" || state == "degraded" ? 1 : 0);
        for (const auto& [name, ending] : endings_.states) add(in_states_, "", ending, std::uint64_t{name == state});
        add_downs(cell(row, downs_));
        if (const auto at = number(cell(row, changed_))) page_.add(kTransition, labels_, *at * kMillisecond);
        for (const auto& [family, column] : {std::pair(&kProbesSent, sent_), std::pair(&kProbesLost, lost_)}) {
            if (const auto value = number(cell(row, column))) page_.add(*family, labels_, *value);
        }
        if (kind != "passive") add_round_trips(round_trips(cell(row, rtt_)));
    }

    /// A family that is found once.
    struct Target {
        const Family& family;
        std::string* text = nullptr;
    };

    std::string& text_of(Target& target) {
        if (target.text == nullptr) target.text = &page_.of(target.family);
        return *target.text;
    }

    void add(Target& target, std::string_view part_name, std::string_view ending, std::uint64_t value) {
        auto& to = text_of(target);
        to += target.family.name;
        to += part_name;
        to += '{';
        to += labels_;
        to += ending;
        append_value(to, value);
        to += '\n';
    }

    /// `pairs`: a reason and how often, and so on; all others have not happened.
    void add_downs(const json& pairs) {
        if (!pairs.is_array()) return;
        for (const auto& [name, ending] : endings_.reasons) {
            std::uint64_t count = 0;
            for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
                if (name_of(reasons_, pairs[i]) == name && pairs[i + 1].is_number_unsigned())
                    count = pairs[i + 1].get<std::uint64_t>();
            }
            add(failures_, "", ending, count);
        }
    }

    void add_round_trips(const RoundTrips& rtt) {
        add(rtts_, "_count", "} ", rtt.count);
        auto& to = text_of(rtts_);
        to += kRtt.name;
        to += "_sum{";
        to += labels_;
        to += "} ";
        append_value(to, rtt.sum);
        to += '\n';
        for (std::size_t k = 0; k < kBounds; ++k) add(rtts_, "_bucket", endings_.bounds.at(k), rtt.up_to.at(k));
        add(rtts_, "_bucket", ",le=\"+Inf\"} ", rtt.count);
    }

    TextPage& page_;
    const std::string& node_label_;
    Target in_states_{kSessionState};
    Target failures_{kDowns};
    Target rtts_{kRtt};
    const Endings endings_;
    std::vector<std::string_view> kinds_;
    std::vector<std::string_view> states_;
    std::vector<std::string_view> reasons_;
    const json& rows_;
    std::size_t name_ = 0;
    std::size_t kind_ = 0;
    std::size_t interface_ = 0;
    std::size_t state_ = 0;
    std::size_t sent_ = 0;
    std::size_t lost_ = 0;
    std::size_t changed_ = 0;
    std::size_t downs_ = 0;
    std::size_t rtt_ = 0;
    std::string labels_;  ///< of the present session
};

}  // namespace

void add_sessions(TextPage& page, const json& answer, const std::string& node_label) {
    SessionRows(page, answer, node_label).add_all();
}

}  // namespace sidestep::exporter
