// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes what the data plane reads of sessions: probes and their schedule, states, and the saved state for a successor.
#include <algorithm>
#include <iterator>

#include <spdlog/spdlog.h>

#include "bpf/lib/session_state.h"
#include "detector/core/detection.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

void SessionTable::set_protecting(const std::set<std::string>& names) {
    for (const auto& session : sessions_) {
        ss_state_set_protects(&maps_.states[session.index], &maps_.repair(),
                              names.contains(session.config.name) ? 1 : 0);
    }
}

void SessionTable::write_schedule() {
    std::vector<ScheduleEntry> entries;
    for (const auto& session : sessions_) {
        entries.push_back(turns_of(session.config, session.index));
    }
    auto& conf = maps_.clock_conf();
    const std::uint32_t spare = 1 - (conf.plan & 1);
    (void)make_plan(entries, maps_.plans[conf.plan & 1].generation + 1, maps_.plans[spare]);
    SS_WRITE(conf.tick_ns, static_cast<std::uint64_t>(tick_for(entries).count()));
    __sync_synchronize();
    SS_WRITE(conf.plan, spare);
}

void SessionTable::publish(const Session& session) {
    auto& conf = shared(session).conf;
    if ((session.config.passive_source || session.config.bfd) && session.link_seen) forget_passives(session);
    const bool returns = session.return_ifindex != 0 || session.config.returns_on.empty();
    const bool known = session.ifindex != 0 && returns && (!session.config.bfd || session.local_address);
    if (!known || (!session.config.passive_source && !session.link())) {
        if (session.link_seen) SS_WRITE(conf.flags, 0U);  // until then, the predecessor's settings hold
        return;
    }
    const auto& probe = session.config.probe;
    SS_WRITE(conf.multiplier, static_cast<std::uint16_t>(probe.multiplier));
    SS_WRITE(conf.up_count, static_cast<std::uint16_t>(probe.up_count));
    SS_WRITE(conf.loss_limit, probe.loss_limit == 0 ? SS_NO_LOSS_LIMIT : probe.loss_limit);
    SS_WRITE(conf.rtt_limit_ns, static_cast<std::uint64_t>(probe.rtt_limit.count()));
    SS_WRITE(conf.interval_ns, static_cast<std::uint64_t>(turns_of(session.config).interval.count()));
    if (session.config.bfd) {
        publish_speaker(session, conf);
    } else if (session.config.passive_source) {
        publish_passive(session, conf);
    } else {
        publish_probe(session, conf);
    }
}

/// Probes that come by an interface that the session had before say nothing of the present one.
void SessionTable::forget_passives(const Session& session) {
    maps_.prune_passives([&](int ifindex, const Address& source, std::uint32_t index) {
        return index != session.index || expects(session, ifindex, source);
    });
}

void SessionTable::publish_passive(const Session& session, ss_session_conf& conf) {
    SS_WRITE(conf.allowance_ns, static_cast<std::uint64_t>(allowance_of(session.config.probe).count()));
    conf.ifindex = conf.return_ifindex = static_cast<std::uint32_t>(session.ifindex);
    if (auto set = maps_.set_passive(session.ifindex, *session.config.passive_source, session.index); !set) {
        spdlog::error("session {}: {}", session.config.name, set.error().message);
        return;
    }
    __sync_synchronize();
    SS_WRITE(conf.flags, SS_SESSION_ACTIVE | SS_SESSION_PASSIVE);
}

void SessionTable::publish_probe(const Session& session, ss_session_conf& conf) {
    const auto& probe = session.config.probe;
    const ProbePath way{.encaps = session.config.encaps, .back = probe.back};
    const auto bytes = make_probe(*session.link(), session.config.source, probe.return_address, way, session.index,
                                  probe.size, static_cast<std::uint8_t>(probe.traffic_class));
    const auto flags = SS_SESSION_ACTIVE | (session.config.verifies ? SS_SESSION_VERIFIES : 0U);
    write_template(session, conf, bytes, probe.return_address, flags);
    SS_WRITE(conf.allowance_ns, static_cast<std::uint64_t>(allowance_of(probe).count()));
    __sync_synchronize();
    SS_WRITE(conf.flags, flags);
}

/// Pauses the session, unless it has this template already.
void SessionTable::write_template(const Session& session, ss_session_conf& conf, const ProbeTemplate& bytes,
                                  const Address& return_address, std::uint32_t flags) {
    const bool same = conf.flags == flags && conf.ifindex == static_cast<std::uint32_t>(session.ifindex) &&
                      conf.return_ifindex == static_cast<std::uint32_t>(session.return_ifindex) &&
                      conf.template_length == bytes.bytes.size() && conf.length == bytes.length &&
                      conf.udp_offset == bytes.udp_offset && conf.checksum == bytes.checksum &&
                      std::equal(bytes.bytes.begin(), bytes.bytes.end(), std::begin(conf.template_bytes));
    if (same) return;
    // A tick in the middle of this would send a mixture, so the session pauses while it is rewritten.
    SS_WRITE(conf.flags, 0U);
    // Answers to the old probe prove nothing of the new one. What is trusted goes on to be judged by its sequence
    // numbers: unproven, it could not die.
    if (!is_trusted(session.fsm.state)) __sync_fetch_and_add(&conf.epoch, 1);
    __sync_synchronize();
    conf.ifindex = static_cast<std::uint32_t>(session.ifindex);
    conf.return_ifindex = static_cast<std::uint32_t>(session.return_ifindex);
    conf.template_length = static_cast<std::uint16_t>(bytes.bytes.size());
    conf.length = bytes.length;
    conf.udp_offset = bytes.udp_offset;
    conf.checksum = bytes.checksum;
    std::copy(bytes.bytes.begin(), bytes.bytes.end(), std::begin(conf.template_bytes));
    std::copy(return_address.bytes.begin(), return_address.bytes.end(), std::begin(conf.return_address));
}

void SessionTable::lower_all_by(int ifindex) {
    const auto found = leaving_by_.find(ifindex);
    if (found == leaving_by_.end()) return;
    for (const bool protecting : {true, false}) {
        for (const auto index : found->second) {
            auto& state = maps_.states[index];
            if ((SS_READ(state.protects) != 0) == protecting) ss_state_lower(&state, &maps_.repair(), SS_DOWN);
        }
    }
}

void SessionTable::distrust(Session& session, bool distrusted) {
    auto& state = maps_.states[session.index];
    session.distrusted = distrusted;
    if (distrusted) {
        ss_state_lower(&state, &maps_.repair(), SS_DEGRADED);
    } else {
        ss_state_raise(&state, &maps_.repair(), SS_READ(state.rank), SS_UP);
    }
}

void SessionTable::change_rank(const Session& session, const SessionActions& actions) {
    auto& state = maps_.states[session.index];
    if (actions.lower) ss_state_lower(&state, &maps_.repair(), SS_DOWN);
    // If the tick program finds the session dead at this very moment, its next tick lowers the state again.
    if (actions.raise) ss_state_raise(&state, &maps_.repair(), SS_READ(state.rank), SS_UP);
    if (actions.wait)
        ss_state_raise(&state, &maps_.repair(), SS_DOWN, is_unstable(session.fsm) ? SS_UNSTABLE : SS_WAITING);
    if (actions.degrade) {
        const auto rank = SS_READ(state.rank);
        if (rank >= SS_DEGRADED || ss_state_raise(&state, &maps_.repair(), rank, SS_DEGRADED) == 0)
            ss_state_lower(&state, &maps_.repair(), SS_DEGRADED);
    }
}

void SessionTable::apply(const Session& session, const SessionActions& actions) {
    auto& conf = shared(session).conf;
    if (actions.ask_proof) __sync_fetch_and_add(&conf.epoch, 1);
    if (!session.config.verifies) change_rank(session, actions);
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
    return SS_READ(maps_.states[session.index].rank);
}

void SessionTable::audit_repair_active() {
    auto& repair = maps_.repair();
    const std::uint32_t closed = SS_READ(repair.active);
    const bool all_up = std::ranges::all_of(sessions_, [&](const Session& session) {
        const auto& state = maps_.states[session.index];
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
