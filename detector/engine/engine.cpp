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
    if (evidence != nullptr && memory.state == SessionState::down && session.config.bfd) {
        why += fmt::format(": BFD: {}; last packet {} earlier; clock gap {}", bfd::to_string(session.bfd.diagnostic),
                           format_duration(Nanoseconds(evidence->time_ns - evidence->last_answer_ns)),
                           format_duration(Nanoseconds(evidence->clock_gap_ns)));
    } else if (evidence != nullptr && memory.state == SessionState::down) {
        why += fmt::format(
            ": probe {} unanswered for {}; last answer (probe {}) {} earlier; clock gap {}", evidence->accused,
            format_duration(Nanoseconds(evidence->time_ns - evidence->accused_sent_ns)), evidence->last_answered,
            format_duration(Nanoseconds(evidence->time_ns - evidence->last_answer_ns)),
            format_duration(Nanoseconds(evidence->clock_gap_ns)));
    }
    if (memory.state == SessionState::down && session.config.mode == Mode::observe)
        why += "; mode observe: packets are counted, not moved";
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
      reflectors_(maps),
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
    if (session.fsm.state == SessionState::down || session.fsm.state == SessionState::admin_down)
        session.failed_at = now;
    if (session.config.verifies) return;
    note_failure(session, now);
    log_transition(session, evidence);
    LoggedEvent entry{.time = evidence != nullptr ? Nanoseconds(evidence->time_ns) : now,
                      .wall_time = utc_now(),
                      .session = session.config.name,
                      .state = session.fsm.state,
                      .reason = session.fsm.reason,
                      .mode = session.config.mode,
                      .evidence = std::nullopt};
    if (evidence != nullptr) entry.evidence = *evidence;
    log_.add(std::move(entry));
    copies_doubted_ = true;  // not here: others wait to be told
}

void Engine::on_kernel_event(const ss_event& event, Nanoseconds now) {
    auto* session = sessions_.find(static_cast<std::uint16_t>(event.session));
    if (session != nullptr) review_bfd(*session, now);
    if (event.type == SS_EVENT_BFD) return;
    if (session != nullptr && hooks_.on_input)
        record(NamedVerdict{.session = session->config.name, .event = event}, now);
    // An event of an earlier epoch says nothing: fresh proof has been requested since.
    if (session == nullptr || event.epoch != sessions_.shared(*session).conf.epoch) return;
    if (is_old_news(*session, event)) return;
    session->heard = Nanoseconds(event.time_ns);
    deliver(*session, meaning_of(event), now, &event);
}

void Engine::settle() {
    record(ChangesSettled());
    refresh_stale();
    if (std::exchange(relinked_, false)) {
        if (auto updated = adjacencies_.update(); !updated) spdlog::error("{}", updated.error().message);
        inner_changed_ = true;  // a next hop may be an adjacency now
    }
    if (inner_routes_.size() <= kFewRoutes) refresh_inner();
}

void Engine::on_admin(Session& session, bool up, Nanoseconds now) {
    record(AdminCommand{.session = session.config.name, .up = up}, now);
    deliver(session, up ? SessionEvent::admin_up : SessionEvent::admin_down, now);
    review_bfd(session, now);
}

void Engine::rehearse_failure(Session& session, Nanoseconds end, Nanoseconds now) {
    record(Rehearsal{.session = session.config.name, .end = end}, now);
    carry_out(session, rehearse(session.fsm, end, now, restore_policy(session)), now);
    review_bfd(session, now);
}

void Engine::run_timers(Nanoseconds now) {
    record(TimersDue(), now);
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
