// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Converts the engine's data to JSON. The names of fields contain their units.
#include "detector/app/answers.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "bpf/lib/judge.h"
#include "detector/app/answer_bfd.hpp"
#include "detector/app/losses.hpp"
#include "detector/core/names.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::array<const char*, SS_COUNTERS> kCounterNames{
#define SIDESTEP_TEXT(name, text) text,
    SS_REJECTS(SIDESTEP_TEXT) SS_OUTCOMES(SIDESTEP_TEXT) SS_DROPS(SIDESTEP_TEXT)
#undef SIDESTEP_TEXT
};

double microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e3;
}
double milliseconds(Nanoseconds duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

std::string_view rank_name(std::uint32_t rank) {
    switch (rank) {
        case SS_UP:
            return "up";
        case SS_DEGRADED:
            return "degraded";
        case SS_WAITING:
            return "waiting";
        case SS_UNSTABLE:
            return "unstable";
        default:
            return "down";
    }
}

json texts(const std::vector<Address>& addresses) {
    json list = json::array();
    for (const auto& address : addresses) list.push_back(address.to_string());
    return list;
}

/// The non-empty buckets: each counts answers with a round trip of at least `from_us` and less than twice that.
json histogram(const ss_session_rx& rx) {
    json list = json::array();
    for (std::size_t i = 0; i < SS_RTT_BUCKETS; ++i) {
        if (rx.rtt_histogram[i] != 0) list.push_back({{"from_us", 1ULL << i}, {"count", rx.rtt_histogram[i]}});
    }
    return list;
}

/// A session that was never answered counts as up or as down (`start`). To say either would be misleading.
std::string_view state_of(const Engine& engine, const SegmentListConfig& list, std::uint32_t rank) {
    if (rank != SS_UP && rank != SS_DOWN) return rank_name(rank);
    bool init = false;
    for (const auto& name : sessions_of(list)) {
        const auto* session = engine.sessions().find(name);
        if (session == nullptr) continue;
        const bool begins = session->fsm.state == SessionState::init;
        if (!begins && engine.sessions().rank(*session) == SS_DOWN) return rank_name(SS_DOWN);
        init = init || begins;
    }
    return init ? to_string(SessionState::init) : rank_name(rank);
}

/// The interfaces that `xdp` names, and what is attached there.
json xdp_entrances(const std::vector<Entrance>& entrances) {
    json list = json::array();
    for (const auto& entrance : entrances) {
        if (!entrance.xdp_asked) continue;
        list.push_back({{"interface", entrance.name},
                        {"xdp", entrance.xdp},
                        {"tc", entrance.tc.has_value()},
                        {"because", entrance.because}});
    }
    return list;
}

json list_of(std::map<std::string, Problem> problems, const DetectorHealth& health, Nanoseconds now) {
    const auto& more = health.problems;
    for (const auto& session : health.spare) problems.erase("session " + session);
    problems.insert(more.all().begin(), more.all().end());
    json list = json::array();
    for (const auto& [about, problem] : problems)
        list.push_back({{"about", about}, {"problem", problem.text}, {"age_ms", milliseconds(now - problem.since)}});
    return list;
}

}  // namespace

json answer_status(Engine& engine, Dataplane& dataplane, const DetectorHealth& health, Nanoseconds now) {
    std::array<int, kSessionStates> in_state{};
    for (const auto& session : engine.sessions().all()) {
        if (!session.config.verifies) ++in_state.at(static_cast<std::size_t>(session.fsm.state));
    }
    json states;
    for (std::size_t i = 0; i < kSessionStates; ++i)
        states[std::string(to_string(static_cast<SessionState>(i)))] = in_state.at(i);
    const auto& policies = engine.policies().all();
    const auto& table = engine.policies();
    const auto rerouting =
        std::ranges::count_if(policies, [&](const Policy& policy) { return table.reroutes(policy); });
    const auto without = std::ranges::count_if(
        policies, [&](const Policy& policy) { return table.reroutes(policy) && table.active(policy) < 0; });
    json rejected = json::object();
    json counters = json::object();
    const auto counts = dataplane.counters();
    for (std::size_t i = 0; i < SS_COUNTERS; ++i) {
        (i < SS_REJECT_COUNT ? rejected : counters)[kCounterNames.at(i)] = counts.at(i);
    }
    const auto& clock = dataplane.clock();
    return {{"schema_version", kSchemaVersion},
            {"node", health.node},
            {"version", SIDESTEP_VERSION},
            {"pid", getpid()},
            {"uptime_ms", milliseconds(now - health.started)},
            {"clock",
             {{"kind", health.clock},
              {"tick_us", microseconds(dataplane.clock_conf().tick_ns)},
              {"ticks", SS_READ(clock.ticks)},
              {"longest_gap_us", microseconds(SS_READ(clock.longest_gap_ns))},
              {"recent_gap_us", microseconds(SS_READ(clock.recent_gap_ns))},
              {"probes_missed", SS_READ(clock.missed)},
              {"restarts", health.clock_restarts}}},
            {"attached", health.attached},
            {"xdp", xdp_entrances(health.entrances)},
            {"problems", list_of(engine.problems(), health, now)},
            {"detector",
             {{"longest_lateness_us", microseconds(static_cast<std::uint64_t>(health.longest_lateness.count()))},
              {"recent_lateness_us", microseconds(static_cast<std::uint64_t>(health.recent_lateness.count()))}}},
            {"sessions", states},
            {"policies", policies.size()},
            {"rerouting", rerouting},
            {"no_candidate", without},
            {"observed", std::ranges::count(policies, true, &Policy::observed)},
            {"rejected_probes", rejected},
            {"counters", counters}};
}

namespace {

/// The client that a session is for; null for those of the configuration.
json client_of(const ClientSession* session) {
    if (session == nullptr) return nullptr;
    json client{{"connected", session->owner.has_value()}, {"lease_ms", nullptr}};
    if (session->lease) client["lease_ms"] = milliseconds(*session->lease);
    return client;
}

/// Nanoseconds from `then` to `now`. The kernel may have written `then` after `now` was read.
std::uint64_t age(std::uint64_t then, Nanoseconds now) {
    const auto at = static_cast<std::uint64_t>(now.count());
    return at > then ? at - then : 0;
}

}  // namespace

json answer_session(const Engine& engine, const Session& session, const ClientSessions& clients,
                    const SessionHistory& history, Nanoseconds now) {
    const auto& shared = engine.sessions().shared(session);
    const auto& probe = session.config.probe;
    const auto last = SS_READ(shared.rx.last_answer_ns);
    json entry = {{"name", session.config.name},
                  {"kind", kind_of(session.config)},
                  {"state", to_string(session.fsm.state)},
                  {"reason", to_string(session.fsm.reason)},
                  {"rank", rank_name(engine.sessions().rank(session))},
                  {"interface", session.config.interface},
                  {"neighbor", session.config.neighbor.to_string()},
                  {"path", texts(session.config.encaps)},
                  {"mode", to_string(session.config.mode)},
                  {"turnaround", turnaround_name(session.config)},
                  {"interval_us", microseconds(static_cast<std::uint64_t>(probe.interval.count()))},
                  {"multiplier", probe.multiplier},
                  {"sent", SS_READ(shared.tx.sent)},
                  {"answered", SS_READ(shared.rx.answered)},
                  {"lost", settled_losses(shared)},
                  {"send_errors", SS_READ(shared.tx.send_errors)},
                  {"rtt_us", microseconds(SS_READ(shared.rx.smoothed_rtt_ns))},
                  {"allowance_us", microseconds(ss_allowance(&shared))},
                  {"last_answer_age_us", nullptr},
                  {"wait_left_ms", nullptr},
                  {"lost_of_64", ss_lost(&shared)},
                  {"penalty", nullptr},
                  {"suppressed", session.fsm.damping.suppressed},
                  {"downs", session.fsm.downs},
                  {"downs_by_reason", json::object()},
                  {"last_change_ms", nullptr},
                  {"rtt_histogram", histogram(shared.rx)},
                  {"bfd", answer_bfd(session, shared)},
                  {"client", client_of(clients.find(session.config.name))}};
    if (probe.damping) entry["penalty"] = penalty_at(session.fsm.damping, *probe.damping, now);
    if (last != 0) entry["last_answer_age_us"] = microseconds(age(last, now));
    if (session.fsm.state == SessionState::wait || is_rehearsing(session.fsm))
        entry["wait_left_ms"] = milliseconds(session.fsm.wait_until - now);
    if (const auto* past = history.find(session.config.name)) {
        entry["downs_by_reason"] = past->downs;
        if (past->last_change_ms) entry["last_change_ms"] = *past->last_change_ms;
    }
    return entry;
}

namespace {

/// Packets that were not repaired, by reason; reasons without packets are left out.
json drops_of(const ss_candidate_stats& stats) {
    json result = json::object();
    for (std::size_t i = 0; i < SS_DROP_COUNT; ++i) {
        if (stats.drops[i] != 0) result[kCounterNames.at(SS_COUNT_DROPS + i)] = stats.drops[i];
    }
    return result;
}

/// What a router said of its packets; null: nothing.
json refusal_of(const Engine& engine, const SegmentListConfig& list) {
    const auto text = engine.refusal_of(list);
    return text.empty() ? json(nullptr) : json(text);
}

json verification_of(const Engine& engine, const SegmentListConfig& list) {
    const auto verification = engine.verification_of(list);
    if (verification == Verification::none) return nullptr;
    return verification == Verification::proven ? "proven" : "silent";
}

/// Bytes of the largest packet, before encapsulation, that fits by all links of the list, as far as is known.
json room_of(const PolicyTable& policies, const SegmentListConfig& list) {
    const auto room = policies.room_of(list);
    return room ? json(*room) : json(nullptr);
}

json lists_of(const Engine& engine, const Policy& policy, std::size_t candidate) {
    const auto& policies = engine.policies();
    json lists = json::array();
    const auto& configs = policy.config.candidates[candidate].lists;
    for (std::size_t i = 0; i < configs.size(); ++i) {
        lists.push_back({{"adjacency", configs[i].adjacency},
                         {"encap", to_string(configs[i].encap)},
                         {"segments", texts(configs[i].segments)},
                         {"weight", configs[i].weight},
                         {"probed", is_probed_whole(configs[i]) ? "whole" : "first-link"},
                         {"verified", verification_of(engine, configs[i])},
                         {"refused", refusal_of(engine, configs[i])},
                         {"largest_packet", room_of(policies, configs[i])},
                         {"state", state_of(engine, configs[i], policies.list_rank(policy, candidate, i))}});
    }
    return lists;
}

/// The state of the best lists: of two that are trusted, one that has proved itself counts.
std::string_view state_of(const Engine& engine, const Policy& policy, std::size_t candidate) {
    const auto& policies = engine.policies();
    const auto& lists = policy.config.candidates[candidate].lists;
    const auto rank = policies.rank(policy, candidate);
    auto state = rank_name(rank);
    for (std::size_t i = 0; i < lists.size(); ++i) {
        if (policies.list_rank(policy, candidate, i) != rank) continue;
        state = state_of(engine, lists[i], rank);
        if (state == rank_name(rank)) break;
    }
    return state;
}

json candidates_of(const Engine& engine, const Dataplane& dataplane, const Policy& policy) {
    const auto& policies = engine.policies();
    json list = json::array();
    const int active = policies.active(policy);
    for (std::size_t i = 0; i < policy.candidates.size(); ++i) {
        const auto& config = policy.config.candidates[i];
        const auto& first = config.lists.front();
        const auto stats = dataplane.stats(policies.stats_index(policy, i));
        list.push_back({{"index", i},
                        {"preference", config.preference},
                        {"adjacency", first.adjacency},
                        {"encap", to_string(first.encap)},
                        {"segments", texts(first.segments)},
                        {"lists", lists_of(engine, policy, i)},
                        {"state", state_of(engine, policy, i)},
                        {"active", active == static_cast<int>(i)},
                        {"packets", stats.packets},
                        {"bytes", stats.bytes},
                        {"last_packet_ns", stats.last_ns},
                        {"drops", drops_of(stats)}});
    }
    return list;
}

}  // namespace

json answer_policy(const Engine& engine, const Dataplane& dataplane, const Policy& policy) {
    json prefixes = json::array();
    for (const auto& prefix : policy.config.prefixes) prefixes.push_back(prefix.to_string());
    const auto none = dataplane.stats(engine.policies().stats_index(policy, policy.candidates.size()));
    return {{"name", policy.config.name},
            {"prefixes", prefixes},
            {"steering", to_string(policy.config.steering)},
            {"protection", protection_name(policy.config)},
            {"flow", policy.config.flow == 0 ? json(nullptr) : json(policy.config.flow)},
            {"copies", sends_copies(policy) ? json(engine.policies().copies(policy)) : json(nullptr)},
            {"unprotected", policy.config.flow != 0 && engine.policies().copies(policy) < 2},
            {"bypass_of", policy.bypass_of.empty() ? json(nullptr) : json(policy.bypass_of)},
            {"computed", policy.computed},
            {"mode", to_string(policy.observed ? Mode::observe : Mode::repair)},
            {"drops", drops_of(none)},
            {"candidates", candidates_of(engine, dataplane, policy)}};
}

namespace {

json change_of(std::string_view what, const ItemChange& change) {
    return {{"what", what}, {"name", change.name}, {"change", to_string(change.kind)}, {"fields", change.fields}};
}

}  // namespace

json answer_plan(const ChangePlan& plan, bool restart) {
    json changes = json::array();
    for (const auto& change : plan.sessions) {
        changes.push_back({{"what", "session"},
                           {"name", change.name},
                           {"change", to_string(change.kind)},
                           {"before", change.before.empty() ? json() : json(change.before)},
                           {"starts_anew", change.starts_anew},
                           {"fields", change.fields}});
    }
    for (const auto& change : plan.policies) changes.push_back(change_of("policy", change));
    for (const auto& change : plan.prefixes) changes.push_back(change_of("prefix", change));
    for (const auto& change : plan.sids) changes.push_back(change_of("sid", change));
    for (const auto& change : plan.entrances) changes.push_back(change_of("ingress", change));
    for (const auto& change : plan.settings) changes.push_back(change_of("setting", change));
    return {{"changes", changes}, {"restart", restart}};
}

std::string_view counter_name(std::size_t index) {
    return kCounterNames.at(index);
}

}  // namespace sidestep
