// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions in shared memory.
#include "detector/maps/session_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include <spdlog/spdlog.h>

#include "bpf/lib/session_state.h"
#include "detector/core/detection.hpp"

namespace sidestep {
namespace {

std::string name_of(const ss_saved_state& saved) {
    return {saved.name, strnlen(saved.name, sizeof saved.name)};
}

FsmState restore(const ss_saved_state& saved) {
    FsmState memory;
    memory.state = saved.state < kSessionStates ? static_cast<SessionState>(saved.state) : SessionState::init;
    memory.reason = static_cast<Reason>(saved.reason);
    memory.downs = saved.downs;
    memory.wait_until = Nanoseconds(saved.wait_until_ns);
    memory.damping = {.penalty = static_cast<double>(saved.penalty),
                      .reckoned = Nanoseconds(saved.penalty_ns),
                      .suppressed = saved.suppressed != 0};
    return memory;
}

}  // namespace

std::optional<LinkAddresses> Session::link() const {
    if (!own_mac || !neighbor_mac) return std::nullopt;
    return LinkAddresses{.own = *own_mac, .neighbor = *neighbor_mac};
}

SessionTable::SessionTable(Dataplane& dataplane, const Config& config, const SavedSessions& saved_sessions)
    : dataplane_(dataplane), source_(config.source) {
    const auto configs = sessions_of(config);
    adopt_or_clear(configs);
    std::vector<bool> taken(dataplane_.sessions.size());
    for (const auto& session : sessions_) {
        if (session.adopted) taken[session.index] = true;
    }
    for (auto& session : sessions_) {
        if (session.adopted) continue;
        session.index = static_cast<std::uint16_t>(std::ranges::find(taken, false) - taken.begin());
        taken[session.index] = true;
        start_fresh(session, saved_sessions);
    }
    for (auto& session : sessions_) {
        by_name_.emplace(session.config.name, &session);
        by_index_.emplace(session.index, &session);
    }
    dataplane_.prune_passives([this](std::uint32_t index, const Address& source) {
        const auto* session = find(static_cast<std::uint16_t>(index));
        return session != nullptr && session->config.passive_source == source;
    });
    const auto protecting = protecting_sessions(config, configs);
    for (std::size_t i = 0; i < sessions_.size(); ++i) set_protects(sessions_[i], protecting[i]);
    write_plan();
}

void SessionTable::adopt_or_clear(const std::vector<SessionConfig>& configs) {
    std::map<std::string, std::uint16_t> left;
    for (std::size_t i = 0; i < dataplane_.sessions.size(); ++i) {
        const auto name = name_of(dataplane_.sessions[i].conf.saved);
        if (!name.empty()) left.emplace(name, static_cast<std::uint16_t>(i));
    }
    for (const auto& config : configs) {
        Session session{.config = config};
        if (const auto found = left.find(config.name); found != left.end()) {
            session.index = found->second;
            session.adopted = true;
            const auto& conf = shared(session).conf;
            session.fsm = restore(conf.saved);
            // The neighbor table may have forgotten it meanwhile; the probes have not.
            if (conf.flags == SS_SESSION_ACTIVE) {
                std::copy_n(std::begin(conf.template_bytes), session.neighbor_mac.emplace().size(),
                            session.neighbor_mac->begin());
            }
            left.erase(found);
        }
        sessions_.push_back(std::move(session));
    }
    for (const auto& [name, index] : left) {
        const Session gone{.config = {}, .index = index};
        shared(gone).conf.flags = 0;
        shared(gone).conf.saved = {};
        set_protects(gone, false);
    }
}

void SessionTable::start_fresh(Session& session, const SavedSessions& saved_sessions) {
    auto& fresh = shared(session);
    // Numbers go on where another session used the slot: its old probes stay old.
    const auto sequence = fresh.tx.sequence;
    fresh = {};
    fresh.tx.sequence = fresh.rx.newest = sequence;
    fresh.tx.proof_from = sequence + 1;
    std::memcpy(fresh.conf.saved.name, session.config.name.data(),
                std::min<std::size_t>(session.config.name.size(), SS_NAME_MAX - 1));
    // Trusted until it fails (session_fsm.hpp), unless it is known to have failed.
    dataplane_.states[session.index] = {.rank = SS_UP, .protects = 0};
    const auto known = saved_sessions.find(session.config.name);
    if (known == saved_sessions.end()) return;
    const bool admin = known->second.state == SessionState::admin_down;
    if (!admin && known->second.state != SessionState::down && known->second.state != SessionState::wait) return;
    session.fsm.state = admin ? SessionState::admin_down : SessionState::down;
    session.fsm.reason = known->second.reason;
    dataplane_.states[session.index].rank = SS_DOWN;
}

void SessionTable::set_protects(const Session& session, bool protects) {
    ss_state_set_protects(&dataplane_.states[session.index], &dataplane_.repair(), protects ? 1 : 0);
}

void SessionTable::write_plan() {
    std::vector<ScheduleEntry> entries;
    for (const auto& session : sessions_) {
        entries.push_back({.session = session.index, .interval = session.config.probe.interval});
    }
    auto& conf = dataplane_.clock_conf();
    const std::uint32_t spare = 1 - (conf.plan & 1);
    (void)make_plan(entries, dataplane_.plans[conf.plan & 1].generation + 1, dataplane_.plans[spare]);
    SS_WRITE(conf.tick_ns, static_cast<std::uint64_t>(tick_for(entries).count()));
    __sync_synchronize();
    SS_WRITE(conf.plan, spare);
}

Session* SessionTable::find(const std::string& name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Session* SessionTable::find(std::uint16_t index) {
    const auto found = by_index_.find(index);
    return found == by_index_.end() ? nullptr : found->second;
}

void SessionTable::publish(const Session& session) {
    auto& conf = shared(session).conf;
    const bool known = session.ifindex != 0 && session.return_ifindex != 0;
    if (!known || (!session.config.passive_source && !session.link())) {
        if (session.link_seen) SS_WRITE(conf.flags, 0U);  // until then a predecessor's settings hold
        return;
    }
    const auto& probe = session.config.probe;
    SS_WRITE(conf.multiplier, static_cast<std::uint16_t>(probe.multiplier));
    SS_WRITE(conf.up_count, static_cast<std::uint16_t>(probe.up_count));
    SS_WRITE(conf.loss_limit, probe.loss_limit == 0 ? SS_NO_LOSS_LIMIT : probe.loss_limit);
    SS_WRITE(conf.rtt_limit_ns, static_cast<std::uint64_t>(probe.rtt_limit.count()));
    SS_WRITE(conf.interval_ns, static_cast<std::uint64_t>(probe.interval.count()));
    if (session.config.passive_source) {
        publish_passive(session, conf);
    } else {
        publish_probe(session, conf);
    }
}

void SessionTable::publish_passive(const Session& session, ss_session_conf& conf) {
    SS_WRITE(conf.allowance_ns, static_cast<std::uint64_t>(allowance_of(session.config.probe).count()));
    conf.ifindex = conf.return_ifindex = static_cast<std::uint32_t>(session.ifindex);
    if (auto set = dataplane_.set_passive(session.ifindex, *session.config.passive_source, session.index); !set) {
        spdlog::error("session {}: {}", session.config.name, set.error().message);
        return;
    }
    __sync_synchronize();
    SS_WRITE(conf.flags, SS_SESSION_ACTIVE | SS_SESSION_PASSIVE);
}

void SessionTable::publish_probe(const Session& session, ss_session_conf& conf) {
    const auto& probe = session.config.probe;
    const ProbePath way{.encaps = session.config.encaps, .back = probe.back};
    const auto bytes = make_probe(*session.link(), source_, probe.return_address, way, session.index, probe.size,
                                  static_cast<std::uint8_t>(probe.traffic_class));
    const bool same = conf.flags == SS_SESSION_ACTIVE && conf.ifindex == static_cast<std::uint32_t>(session.ifindex) &&
                      conf.return_ifindex == static_cast<std::uint32_t>(session.return_ifindex) &&
                      conf.template_length == bytes.bytes.size() && conf.length == bytes.length &&
                      conf.udp_offset == bytes.udp_offset && conf.checksum == bytes.checksum &&
                      std::equal(bytes.bytes.begin(), bytes.bytes.end(), std::begin(conf.template_bytes));
    // A tick in the middle of this would send a mixture: the session pauses while it is rewritten.
    if (!same) {
        SS_WRITE(conf.flags, 0U);
        __sync_synchronize();
        conf.ifindex = static_cast<std::uint32_t>(session.ifindex);
        conf.return_ifindex = static_cast<std::uint32_t>(session.return_ifindex);
        conf.template_length = static_cast<std::uint16_t>(bytes.bytes.size());
        conf.length = bytes.length;
        conf.udp_offset = bytes.udp_offset;
        conf.checksum = bytes.checksum;
        std::copy(bytes.bytes.begin(), bytes.bytes.end(), std::begin(conf.template_bytes));
        std::copy(probe.return_address.bytes.begin(), probe.return_address.bytes.end(),
                  std::begin(conf.return_address));
    }
    SS_WRITE(conf.allowance_ns, static_cast<std::uint64_t>(allowance_of(probe).count()));
    __sync_synchronize();
    SS_WRITE(conf.flags, SS_SESSION_ACTIVE);
}

void SessionTable::apply(const Session& session, const SessionActions& actions) {
    auto& state = dataplane_.states[session.index];
    auto& conf = shared(session).conf;
    if (actions.ask_proof) __sync_fetch_and_add(&conf.epoch, 1);
    if (actions.lower) ss_state_lower(&state, &dataplane_.repair(), SS_DOWN);
    // Should the tick find the session dead at this very moment, it lowers the state again with its next tick.
    if (actions.raise) ss_state_raise(&state, &dataplane_.repair(), SS_READ(state.rank), SS_UP);
    if (actions.degrade && ss_state_raise(&state, &dataplane_.repair(), SS_DOWN, SS_DEGRADED) == 0) {
        ss_state_lower(&state, &dataplane_.repair(), SS_DEGRADED);
    }
    auto& saved = conf.saved;
    saved.state = static_cast<std::uint32_t>(session.fsm.state);
    saved.reason = static_cast<std::uint32_t>(session.fsm.reason);
    saved.downs = session.fsm.downs;
    saved.wait_until_ns = static_cast<std::uint64_t>(session.fsm.wait_until.count());
    saved.penalty = static_cast<std::uint32_t>(session.fsm.damping.penalty);
    saved.penalty_ns = static_cast<std::uint64_t>(session.fsm.damping.reckoned.count());
    saved.suppressed = session.fsm.damping.suppressed ? 1 : 0;
}

std::uint32_t SessionTable::rank(const Session& session) const {
    return SS_READ(dataplane_.states[session.index].rank);
}

void SessionTable::audit_repair_active() {
    auto& repair = dataplane_.repair();
    const std::uint32_t closed = SS_READ(repair.active);
    const bool all_up = std::ranges::all_of(sessions_, [&](const Session& session) {
        const auto& state = dataplane_.states[session.index];
        return state.protects == 0 || SS_READ(state.rank) == SS_UP;
    });
    if (closed == 0 || !all_up) {
        suspicious_count_.reset();
    } else if (suspicious_count_ == closed) {
        __sync_val_compare_and_swap(&repair.active, closed, 0);
        suspicious_count_.reset();
    } else {
        suspicious_count_ = closed;
    }
}

}  // namespace sidestep
