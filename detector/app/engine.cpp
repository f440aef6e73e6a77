// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Inputs to state machines to actions.
#include "detector/app/engine.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kResolveEvery = 1s;
constexpr Nanoseconds kAuditEvery = 1s;

std::string utc_now() {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, micros);
}

SessionEvent meaning_of(std::uint32_t quality) {
    if (quality == SS_LOSSY) return SessionEvent::lossy;
    return quality == SS_SLOW ? SessionEvent::slow : SessionEvent::sound;
}

SessionEvent meaning_of(const ss_event& event) {
    if (event.type == SS_EVENT_DEAD) return SessionEvent::dead;
    return event.type == SS_EVENT_ALIVE ? SessionEvent::alive : meaning_of(event.quality);
}

Reason poor_reason(std::uint32_t quality) {
    if (quality == SS_LOSSY) return Reason::lossy;
    return quality == SS_SLOW ? Reason::slow : Reason::none;
}

void log_transition(const Session& session, const ss_event* evidence) {
    const auto& memory = session.fsm;
    const auto level = memory.state == SessionState::down || memory.state == SessionState::degraded
                           ? spdlog::level::warn
                           : spdlog::level::info;
    std::string why;
    if (memory.state != SessionState::up) why = fmt::format(" ({})", to_string(memory.reason));
    if (evidence != nullptr && memory.state == SessionState::down) {
        why += fmt::format(
            ": probe {} unanswered since {}, last answer to probe {} came {} before; clock gap {}", evidence->accused,
            format_duration(Nanoseconds(evidence->time_ns - evidence->accused_sent_ns)), evidence->last_answered,
            format_duration(Nanoseconds(evidence->time_ns - evidence->last_answer_ns)),
            format_duration(Nanoseconds(evidence->clock_gap_ns)));
    }
    spdlog::log(level, "session {}: {}{}", session.config.name, to_string(memory.state), why);
}

}  // namespace

Engine::Engine(Dataplane& dataplane, const Config& config, const SavedSessions& saved_sessions)
    : sessions(dataplane, config, saved_sessions),
      policies(dataplane, sessions, config),
      adjacencies(dataplane, sessions, policies, config),
      sids(dataplane, sessions, policies, config),
      routes(kRoutesKept) {}

SavedSessions Engine::remember() const {
    SavedSessions result;
    for (const auto& session : sessions.all()) {
        result[session.config.name] = {.state = session.fsm.state, .reason = session.fsm.reason};
    }
    return result;
}

Result<void> Engine::start() {
    for (auto& session : sessions.all()) {
        sessions.apply(session, {});
        if (session.fsm.state == SessionState::wait) timers_[session.index] = session.fsm.wait_until;
    }
    return replace({});
}

Result<void> Engine::replace(const PolicySet& computed) {
    if (auto replaced = policies.replace(computed); !replaced) return replaced;
    forget_bypasses();
    if (auto updated = adjacencies.update(); !updated) return updated;
    return sids.update(computed.sids);
}

void Engine::deliver(Session& session, SessionEvent event, Nanoseconds now, const ss_event* evidence) {
    const auto actions =
        step(session.fsm, event, now,
             {.wait_to_restore = session.config.probe.wait_to_restore, .damping = session.config.probe.damping});
    sessions.apply(session, actions);
    if (actions.timer) {
        timers_[session.index] = *actions.timer;
    } else if (actions.changed) {
        timers_.erase(session.index);
    }
    if (!actions.changed) return;
    log_transition(session, evidence);
    LoggedEvent entry{.time = evidence != nullptr ? Nanoseconds(evidence->time_ns) : now,
                      .wall_time = utc_now(),
                      .session = session.config.name,
                      .state = session.fsm.state,
                      .reason = session.fsm.reason,
                      .evidence = std::nullopt};
    if (evidence != nullptr) entry.evidence = *evidence;
    log.add(std::move(entry));
}

void Engine::on_kernel_event(const ss_event& event, Nanoseconds now) {
    auto* session = sessions.find(static_cast<std::uint16_t>(event.session));
    // Of an earlier epoch: fresh proof was asked for since, and the event says nothing about it.
    if (session == nullptr || event.epoch != sessions.shared(*session).conf.epoch) return;
    deliver(*session, meaning_of(event), now, &event);
}

void Engine::relink(Session& session) {
    sessions.publish(session);
    policies.refresh(session);
    relinked_ = true;
}

void Engine::note_return_link(Session& session, const LinkChange& change) {
    if (session.config.returns_on != change.name && session.return_ifindex != change.ifindex) return;
    const int ifindex = session.config.returns_on == change.name && !change.gone ? change.ifindex : 0;
    if (std::exchange(session.return_ifindex, ifindex) != ifindex) sessions.publish(session);
}

void Engine::on_link(const LinkChange& change, Nanoseconds now) {
    routes.on_interface(change.ifindex, change.up, now);
    for (auto& session : sessions.all()) {
        note_return_link(session, change);
        if (session.config.interface != change.name && session.ifindex != change.ifindex) continue;
        const bool ours = session.config.interface == change.name && !change.gone;
        const auto before = std::tuple(session.ifindex, session.own_mac, session.mtu);
        const bool was_running = session.running;
        session.ifindex = ours ? change.ifindex : 0;
        session.own_mac = ours ? change.mac : std::nullopt;
        session.running = ours && change.running;
        session.mtu = ours ? change.mtu : 0;
        if (session.link_seen && session.ifindex != std::get<0>(before)) session.neighbor_mac.reset();
        if (!session.running && (was_running || !session.link_seen)) deliver(session, SessionEvent::carrier_lost, now);
        session.link_seen = true;
        if (before != std::tuple(session.ifindex, session.own_mac, session.mtu)) relink(session);
        if (!was_running && session.running) {
            deliver(session, SessionEvent::carrier_back, now);
            if (!session.neighbor_mac && !session.config.passive_source)
                resolve(session.ifindex, session.config.neighbor);
        }
    }
}

void Engine::on_neighbor(const NeighborChange& change, Nanoseconds now) {
    for (auto& session : sessions.all()) {
        if (session.ifindex != change.ifindex || session.config.neighbor != change.address) continue;
        if (change.mac && change.mac != session.neighbor_mac) {
            session.neighbor_mac = change.mac;
            relink(session);
        }
        if (change.status == NeighborStatus::failed) deliver(session, SessionEvent::neighbor_failed, now);
        if (change.status == NeighborStatus::usable && session.fsm.neighbor_cause) {
            deliver(session, SessionEvent::neighbor_resolved, now);
        }
    }
}

void Engine::on_address(const AddressChange& change) {
    auto& holders = own_addresses_[change.address];
    if (change.gone) {
        holders.erase(change.ifindex);
    } else {
        holders.insert(change.ifindex);
    }
    policies.exempt(change.address, !holders.empty());
    if (holders.empty()) own_addresses_.erase(change.address);
}

void Engine::on_route(const RouteChange& change, Nanoseconds now) {
    routes.on_route(change, now);
}

void Engine::settle() {
    refresh_stale();
    if (!std::exchange(relinked_, false)) return;
    if (auto updated = adjacencies.update(); !updated) spdlog::error("{}", updated.error().message);
}

void Engine::refresh_stale() {
    std::map<Prefix, std::uint32_t> wanted;
    for (const auto& [prefix, hop] : routes.stale()) {
        const auto known = stale_.find(prefix);
        const auto slot = known != stale_.end() ? known->second : adjacencies.bypass_at(hop);
        if (slot != SS_POLICY_EXEMPT) wanted[prefix] = slot;
    }
    if (wanted == stale_) return;
    policies.set_stale(wanted);
    stale_ = std::move(wanted);
}

/// Orphans whose bypass is gone would take whatever policy gets its slot.
void Engine::forget_bypasses() {
    if (std::erase_if(stale_, [&](const auto& stale_route) { return !policies.is_bypass(stale_route.second); }) > 0)
        policies.set_stale(stale_);
}

void Engine::on_admin(Session& session, bool up, Nanoseconds now) {
    deliver(session, up ? SessionEvent::admin_up : SessionEvent::admin_down, now);
}

void Engine::run_timers(Nanoseconds now) {
    std::vector<std::uint16_t> due;
    for (const auto& [index, when] : timers_) {
        if (when <= now) due.push_back(index);
    }
    for (const auto index : due) {
        timers_.erase(index);
        if (auto* session = sessions.find(index)) deliver(*session, SessionEvent::timer, now);
    }
}

std::optional<Nanoseconds> Engine::next_timer() const {
    const auto soonest = std::ranges::min_element(timers_, {}, [](const auto& timer) { return timer.second; });
    if (soonest == timers_.end()) return std::nullopt;
    return soonest->second;
}

void Engine::reconcile(Nanoseconds now) {
    const bool ask = now >= next_resolve_;
    if (ask) next_resolve_ = now + kResolveEvery;
    for (auto& session : sessions.all()) {
        const auto& memory = session.fsm;
        const auto& shared = sessions.shared(session);
        if (ask && session.running && !session.config.passive_source &&
            (!session.neighbor_mac || memory.neighbor_cause)) {
            resolve(session.ifindex, session.config.neighbor);
        }
        if (SS_READ(shared.tx.epoch) != shared.conf.epoch) continue;
        const auto verdict = SS_READ(shared.tx.verdict);
        const bool live = memory.state == SessionState::up || memory.state == SessionState::degraded;
        const bool trusted = live || memory.state == SessionState::wait;
        if (verdict == SS_DEAD && trusted) deliver(session, SessionEvent::dead, now);
        if (verdict == SS_ALIVE && live && memory.poor != poor_reason(SS_READ(shared.tx.quality))) {
            deliver(session, meaning_of(SS_READ(shared.tx.quality)), now);
        }
        if (verdict == SS_ALIVE && !memory.proven && !trusted && memory.state != SessionState::admin_down) {
            deliver(session, SessionEvent::alive, now);
        }
    }
    if (now < next_audit_) return;
    next_audit_ = now + kAuditEvery;
    routes.expire(now);
    refresh_stale();
    sessions.audit_repair_active();
}

}  // namespace sidestep
