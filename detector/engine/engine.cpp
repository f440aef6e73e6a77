// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Passes inputs to the state machines and carries out the actions that come back.
#include "detector/engine/engine.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "common/log_fields.hpp"
#include "common/wall_time.hpp"
#include "detector/engine/quality.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kSeekEvery = 1s;
constexpr Nanoseconds kNeighborDoubt = 10ms;
constexpr std::size_t kFewRoutes = 8192;  // a walk over more of them takes milliseconds: not after each change

RestorePolicy restore_policy(const Session& session) {
    return {.wait_to_restore = session.config.probe.wait_to_restore, .damping = session.config.probe.damping};
}

SessionEvent meaning_of(const ss_event& event) {
    if (event.type == SS_EVENT_DEAD) return SessionEvent::dead;
    return event.type == SS_EVENT_ALIVE ? SessionEvent::alive : meaning_of_quality(event.quality);
}

void log_transition(const Session& session, const ss_event* evidence) {
    const auto& memory = session.fsm;
    if (memory.state == SessionState::down && memory.reason == Reason::admin) {
        spdlog::info("session {}: the operator lets it come up again; it waits for proof", session.config.name);
        return;
    }
    if (memory.state == SessionState::down && memory.reason == Reason::rehearsal) {
        spdlog::info("session {}: the rehearsed failure is over; it waits for proof", session.config.name);
        return;
    }
    const auto level = memory.state == SessionState::down || memory.state == SessionState::degraded
                           ? spdlog::level::warn
                           : spdlog::level::info;
    std::string why;
    if (memory.state != SessionState::up) why = fmt::format(" ({})", to_string(memory.reason));
    if (evidence != nullptr && memory.state == SessionState::down) {
        why += fmt::format(
            ": probe {} unanswered for {}; last answer (probe {}) {} earlier; clock gap {}", evidence->accused,
            format_duration(Nanoseconds(evidence->time_ns - evidence->accused_sent_ns)), evidence->last_answered,
            format_duration(Nanoseconds(evidence->time_ns - evidence->last_answer_ns)),
            format_duration(Nanoseconds(evidence->clock_gap_ns)));
    }
    const auto state = to_string(memory.state);
    const LogFields fields({{"SESSION", session.config.name}, {"STATE", state}, {"REASON", to_string(memory.reason)}});
    spdlog::log(level, "session {}: {}{}", session.config.name, state, why);
}

}  // namespace

Engine::Engine(Maps& maps, EngineHooks hooks, SavedSessions saved)
    : maps_(maps),
      hooks_(std::move(hooks)),
      sessions_(maps, std::move(saved)),
      policies_(maps, sessions_),
      adjacencies_(maps, sessions_, policies_),
      sids_(maps, sessions_, policies_),
      routes_([this](const RouteHop& hop) { return adjacencies_.bypass_at(hop); }),
      inner_routes_(kStaleRoutes) {
    log_.on_event = hooks_.on_event;
}

SavedSessions Engine::save() const {
    SavedSessions result;
    for (const auto& session : sessions_.all()) {
        // A successor would not know when a rehearsal ends.
        const auto state = is_rehearsing(session.fsm) ? SessionState::down : session.fsm.state;
        result[session.config.name] = {.state = state, .reason = session.fsm.reason};
    }
    return result;
}

void Engine::deliver(Session& session, SessionEvent event, Nanoseconds now, const ss_event* evidence) {
    carry_out(session, step(session.fsm, event, now, restore_policy(session)), now, evidence);
}

void Engine::carry_out(Session& session, const SessionActions& actions, Nanoseconds now, const ss_event* evidence) {
    sessions_.apply(session, actions);
    if (actions.timer) {
        timers_[session.index] = *actions.timer;
    } else if (actions.changed) {
        timers_.erase(session.index);
    }
    if (!actions.changed) return;
    note_failure(session, now);
    log_transition(session, evidence);
    LoggedEvent entry{.time = evidence != nullptr ? Nanoseconds(evidence->time_ns) : now,
                      .wall_time = utc_now(),
                      .session = session.config.name,
                      .state = session.fsm.state,
                      .reason = session.fsm.reason,
                      .evidence = std::nullopt};
    if (evidence != nullptr) entry.evidence = *evidence;
    log_.add(std::move(entry));
}

void Engine::on_kernel_event(const ss_event& event, Nanoseconds now) {
    auto* session = sessions_.find(static_cast<std::uint16_t>(event.session));
    // An event of an earlier epoch says nothing: fresh proof has been requested since.
    if (session == nullptr || event.epoch != sessions_.shared(*session).conf.epoch) return;
    if (is_old_news(*session, event)) return;
    session->heard = Nanoseconds(event.time_ns);
    deliver(*session, meaning_of(event), now, &event);
}

void Engine::relink(Session& session) {
    sessions_.publish(session);
    policies_.refresh(session);
    relinked_ = true;
}

bool Engine::note_link(const LinkChange& change) {
    const auto known = link_names_.find(change.ifindex);
    bool same = false;
    if (known != link_names_.end()) {
        const auto before = link_at(known->second);
        same = !change.gone && before.up == change.up && before.running == change.running;
        links_.erase(known->second);  // its name may have changed
        link_names_.erase(known);
    }
    if (change.gone) return true;
    links_[change.name] = change;
    link_names_[change.ifindex] = change.name;
    return !same;
}

/// The link as rtnetlink would report it; a link that does not exist counts as gone.
LinkChange Engine::link_at(const std::string& name) const {
    const auto found = links_.find(name);
    return found != links_.end() ? found->second : LinkChange{.ifindex = 0, .name = name, .gone = true, .mac = {}};
}

bool Engine::on_link(const LinkChange& change, Nanoseconds now) {
    // Traffic waits for these stores, so they come before anything else.
    if (change.gone || !change.running || change.ip_off) sessions_.lower_all_by(change.ifindex);
    const auto concerned = sessions_.at_link(change.name, change.ifindex);
    const auto loses_link = [&](const Session& session) {
        const bool its_own = session.config.interface == change.name || session.ifindex == change.ifindex;
        return its_own && (change.gone || !change.running || change.ip_off || session.config.interface != change.name);
    };
    // The same for those that lose an interface of another number, or its name.
    for (auto* session : concerned) {
        if (loses_link(*session)) sessions_.apply(*session, {.lower = true});
    }
    const bool news = note_link(change);
    for (auto* session : concerned) {
        follow_return_link(*session, change, now);
        if (session->config.interface == change.name || session->ifindex == change.ifindex)
            follow_link(*session, change, now);
    }
    ask_for_neighbors(now);
    note_route_link(change, now);
    if (!change.up && inner_routes_.on_interface_down(change.ifindex)) inner_changed_ = true;
    return news;
}

void Engine::follow_return_link(Session& session, const LinkChange& link, Nanoseconds now) {
    if (session.config.returns_on != link.name && session.return_ifindex != link.ifindex) return;
    const int ifindex = session.config.returns_on == link.name && !link.gone ? link.ifindex : 0;
    if (session.return_ifindex == ifindex) return;
    sessions_.set_return_ifindex(session, ifindex);
    sessions_.publish(session);
    const bool its_own = session.config.returns_on == session.config.interface;  // then there is a better reason
    if (ifindex == 0 && !its_own && is_trusted(session.fsm.state)) deliver(session, SessionEvent::unprobed, now);
}

void Engine::follow_link(Session& session, const LinkChange& link, Nanoseconds now) {
    const bool ours = session.config.interface == link.name && !link.gone;
    const auto before = std::tuple(session.ifindex, session.own_mac, session.mtu);
    const bool was_running = session.running;
    const int ifindex = ours ? link.ifindex : 0;
    session.running = ours && link.running;
    if (!session.running && (was_running || !session.link_seen)) deliver(session, SessionEvent::carrier_lost, now);
    if (session.mac_ifindex != ifindex) session.neighbor_mac.reset();  // it was another neighbor's
    sessions_.set_ifindex(session, ifindex);
    session.own_mac = ours ? link.mac : std::nullopt;
    session.mtu = ours ? link.mtu : 0;
    session.link_seen = true;
    if (before != std::tuple(session.ifindex, session.own_mac, session.mtu)) {
        relink(session);
        if (ours && !link.ethernet)
            spdlog::warn("session {}: {} carries no Ethernet frames, so its neighbor cannot be probed",
                         session.config.name, link.name);
    }
    const bool ip_off = ours && link.ip_off;
    if (std::exchange(session.ip_off, ip_off) != ip_off)
        deliver(session, ip_off ? SessionEvent::ip_off : SessionEvent::ip_back, now);
    if (was_running || !session.running) return;
    deliver(session, SessionEvent::carrier_back, now);
    seek(session);  // another neighbor may be plugged in now
}

void Engine::seek(const Session& session) {
    if (session.running && !session.config.passive_source) neighbors_.add({session.ifindex, session.config.neighbor});
}

void Engine::ask_for_neighbors(Nanoseconds now) {
    for (const auto& [ifindex, neighbor] : neighbors_.take(now)) hooks_.resolve(ifindex, neighbor);
}

/// A neighbor that does not answer may have another MAC address than it had.
void Engine::seek_silent(Nanoseconds now) {
    if (now < next_seek_ || !neighbors_.empty()) return;  // not before all have had their turn
    next_seek_ = now + kSeekEvery;
    for (const auto& session : sessions_.all()) {
        const bool unanswered =
            !session.fsm.proven && (session.fsm.state == SessionState::down || session.fsm.state == SessionState::init);
        if (!session.neighbor_mac || session.fsm.neighbor_cause || unanswered) seek(session);
    }
}

void Engine::on_neighbor(const NeighborChange& change, Nanoseconds now) {
    if (change.mac && adjacencies_.note_resolved(change.ifindex, change.address, *change.mac)) relinked_ = true;
    for (auto* session : sessions_.at_neighbor(change.ifindex, change.address)) {
        if (change.mac && change.mac != session->neighbor_mac) {
            session->neighbor_mac = change.mac;
            session->mac_ifindex = change.ifindex;
            relinked_ = true;
            relink(*session);
        }
        if (change.status == NeighborStatus::failed) on_neighbor_failed(*session, now);
        if (change.gone || change.status == NeighborStatus::usable) neighbor_doubts_.erase(session->index);
        if (change.status == NeighborStatus::usable && session->fsm.neighbor_cause) {
            deliver(*session, SessionEvent::neighbor_resolved, now);
        }
    }
}

/// An operator who removes an entry is told of like a failure, and right afterwards of the removal. So the neighbor of a
/// session that is answered is asked for, and has failed only if that is not followed by better news.
void Engine::on_neighbor_failed(Session& session, Nanoseconds now) {
    if (!is_answered(session)) return deliver(session, SessionEvent::neighbor_failed, now);
    if (neighbor_doubts_.emplace(session.index, now + kNeighborDoubt).second) seek(session);
    ask_for_neighbors(now);
}

void Engine::on_address(const AddressChange& change) {
    auto& holders = own_addresses_[change.address];
    if (change.gone) {
        holders.erase(change.ifindex);
    } else {
        holders.insert(change.ifindex);
    }
    policies_.exempt(change.address, !holders.empty());
    if (holders.empty()) own_addresses_.erase(change.address);
}

std::vector<Address> Engine::addresses_on(const std::string& interface) const {
    std::vector<Address> addresses;
    const auto link = links_.find(interface);
    if (link == links_.end()) return addresses;
    for (const auto& [address, holders] : own_addresses_) {
        if (holders.contains(link->second.ifindex)) addresses.push_back(address);
    }
    return addresses;
}

void Engine::on_links_known(Nanoseconds now) {
    links_seen_ = true;
    for (auto& session : sessions_.all()) {
        if (!session.link_seen) follow_link(session, link_at(session.config.interface), now);
    }
    ask_for_neighbors(now);
    settle();
}

void Engine::settle() {
    refresh_stale();
    if (std::exchange(relinked_, false)) {
        if (auto updated = adjacencies_.update(); !updated) spdlog::error("{}", updated.error().message);
        inner_changed_ = true;  // a next hop may be an adjacency now
    }
    if (inner_routes_.size() <= kFewRoutes) refresh_inner();
}

void Engine::on_admin(Session& session, bool up, Nanoseconds now) {
    deliver(session, up ? SessionEvent::admin_up : SessionEvent::admin_down, now);
}

void Engine::rehearse_failure(Session& session, Nanoseconds end, Nanoseconds now) {
    carry_out(session, rehearse(session.fsm, end, now, restore_policy(session)), now);
}

void Engine::run_timers(Nanoseconds now) {
    std::vector<std::uint16_t> due;
    for (const auto& [index, when] : timers_) {
        if (when <= now) due.push_back(index);
    }
    for (const auto index : due) {
        auto* session = sessions_.find(index);
        if (session != nullptr) compare_verdict(*session, now);  // it may have died while this process stood still
        const auto timer = timers_.find(index);
        if (timer == timers_.end() || timer->second > now) continue;
        timers_.erase(timer);
        if (session != nullptr) deliver(*session, SessionEvent::timer, now);
    }
    std::erase_if(neighbor_doubts_, [&](const auto& doubt) {
        if (doubt.second > now) return false;
        if (auto* session = sessions_.find(doubt.first)) deliver(*session, SessionEvent::neighbor_failed, now);
        return true;
    });
}

std::optional<Nanoseconds> Engine::next_timer() const {
    std::optional<Nanoseconds> soonest;
    for (const auto* timers : {&timers_, &neighbor_doubts_}) {
        for (const auto& [index, when] : *timers) soonest = std::min(soonest.value_or(when), when);
    }
    return soonest;
}

}  // namespace sidestep
