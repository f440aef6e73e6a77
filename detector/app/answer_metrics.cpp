// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_metrics.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bpf/lib/portable.h"
#include "detector/app/list_query.hpp"
#include "detector/app/losses.hpp"
#include "detector/app/portions.hpp"
#include "detector/core/names.hpp"

namespace sidestep {
namespace {

constexpr std::array<std::string_view, 3> kKinds{"adjacency", "path", "passive"};

template <typename Number>
void append_number(std::string& text, Number number) {
    const fmt::format_int digits(number);
    text.append(digits.data(), digits.size());
}

/// Of those `count` names, which the rows give by their numbers.
template <typename NameOf>
void append_names(std::string& text, std::string_view field, std::size_t count, NameOf name_of) {
    text += fmt::format("\"{}\":[", field);
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) text += ',';
        append_text(text, name_of(i));
    }
    text += "],";
}

std::string head_of_sessions() {
    std::string text = "{";
    append_names(text, "kinds", kKinds.size(), [](std::size_t i) { return kKinds.at(i); });
    append_names(text, "states", kSessionStates, [](std::size_t i) { return to_string(static_cast<SessionState>(i)); });
    append_names(text, "reasons", kReasons, [](std::size_t i) { return to_string(static_cast<Reason>(i)); });
    text +=
        R"("sessions":{"columns":["name","kind","interface","state","sent","lost","last_change_ms","downs","rtt"],"rows":[)";
    return text;
}

/// Pairs of a reason and how often.
void append_downs(std::string& text, const SessionPast* past) {
    text += '[';
    bool any = false;
    for (std::size_t i = 0; past != nullptr && !past->downs.empty() && i < kReasons; ++i) {
        const auto found = past->downs.find(std::string(to_string(static_cast<Reason>(i))));
        if (found == past->downs.end()) continue;
        if (std::exchange(any, true)) text += ',';
        append_number(text, i);
        text += ',';
        append_number(text, found->second);
    }
    text += ']';
}

/// Pairs of a bucket in use and its count.
void append_round_trips(std::string& text, const ss_session_rx& rx) {
    text += '[';
    bool any = false;
    for (std::size_t i = 0; i < SS_RTT_BUCKETS; ++i) {
        const auto count = rx.rtt_histogram[i];
        if (count == 0) continue;
        if (std::exchange(any, true)) text += ',';
        append_number(text, i);
        text += ',';
        append_number(text, count);
    }
    text += ']';
}

void append_session(std::string& text, const Session& session, const ss_session& shared, const SessionPast* past) {
    text += '[';
    append_text(text, session.config.name);
    text += ',';
    append_number(text, std::ranges::find(kKinds, kind_of(session.config)) - kKinds.begin());
    text += ',';
    append_text(text, session.config.interface);
    text += ',';
    append_number(text, static_cast<unsigned>(session.fsm.state));
    text += ',';
    append_number(text, SS_READ(shared.tx.sent));
    text += ',';
    append_number(text, settled_losses(shared));
    text += ',';
    if (past != nullptr && past->last_change_ms) {
        append_number(text, *past->last_change_ms);
    } else {
        text += "null";
    }
    text += ',';
    append_downs(text, past);
    text += ',';
    append_round_trips(text, shared.rx);
    text += ']';
}

void append_or_null(std::string& text, std::optional<std::size_t> number) {
    if (number) {
        append_number(text, *number);
    } else {
        text += "null";
    }
}

/// What drained sessions, if there are any, have changed about a policy.
void append_undrained(std::string& text, const Engine& engine, const Policy& policy, bool drained) {
    std::optional<std::size_t> active;
    std::optional<std::size_t> copies;
    const auto would = drained && !policy.observed ? engine.undrained(policy) : Undrained{};
    if (would.active >= 0) {
        if (would.active != engine.policies().active(policy)) active = static_cast<std::size_t>(would.active);
        if (sends_copies(policy) && would.copies != engine.policies().copies(policy)) copies = would.copies;
    }
    append_or_null(text, active);
    text += ',';
    append_or_null(text, copies);
}

ApiPortions policies_in_portions(const Engine& engine) {
    std::vector<PolicyPlace> places;
    for (const auto& policy : engine.policies().all()) places.push_back(place_of(engine, policy));
    return list_in_portions(
        R"("policies":{"columns":["name","active","copies","undrained_active","undrained_copies"],"rows":[)",
        std::move(places),
        [&engine, drained = engine.has_drained()](std::string& text, const PolicyPlace& place) {
            const auto* policy = policy_at(engine, place);
            if (policy == nullptr) return false;
            text += '[';
            append_text(text, policy->config.name);
            text += ',';
            append_number(text, policy->observed ? 0 : engine.policies().active(*policy));
            text += ',';
            append_or_null(text,
                           sends_copies(*policy) ? std::optional(engine.policies().copies(*policy)) : std::nullopt);
            text += ',';
            append_undrained(text, engine, *policy, drained);
            text += ']';
            return true;
        },
        "]},");
}

}  // namespace

ApiPortions answer_metrics(const Engine& engine, const SessionHistory& history, MergeOf merge_of) {
    std::vector<std::uint16_t> sessions;
    for (const auto& session : engine.sessions().all()) {
        if (!session.config.verifies) sessions.push_back(session.index);
    }
    auto rows = list_in_portions(
        head_of_sessions(), std::move(sessions),
        [&engine, &history](std::string& text, std::uint16_t index) {
            const auto* session = engine.sessions().find(index);
            if (session == nullptr) return false;
            append_session(text, *session, engine.sessions().shared(*session), history.find(session->config.name));
            return true;
        },
        "]},");
    auto more = [&engine, policies = ApiPortions()](std::string& text) mutable {
        if (!policies) policies = policies_in_portions(engine);
        return policies(text);
    };
    return one_after_the_other(std::move(rows),
                               one_after_the_other(std::move(more), answer_merging(engine, std::move(merge_of), "]}")));
}

}  // namespace sidestep
