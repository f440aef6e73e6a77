// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The state transitions of a session.
#include "detector/core/session_fsm.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sidestep {
namespace {

using State = SessionState;
using Event = SessionEvent;

bool is_failure(Event event) {
    return event == Event::dead || event == Event::carrier_lost || event == Event::neighbor_failed ||
           event == Event::ip_off || event == Event::unprobed || event == Event::unproven || event == Event::admin_down;
}

Reason reason_of(Event event) {
    switch (event) {
        case Event::dead:
            return Reason::unanswered;
        case Event::carrier_lost:
            return Reason::carrier;
        case Event::neighbor_failed:
            return Reason::neighbor;
        case Event::ip_off:
            return Reason::ip_off;
        case Event::unprobed:
            return Reason::unprobed;
        case Event::unproven:
            return Reason::unproven;
        case Event::admin_down:
            return Reason::admin;
        case Event::lossy:
            return Reason::lossy;
        case Event::slow:
            return Reason::slow;
        default:
            return Reason::none;
    }
}

bool is_quality(Event event) {
    return event == Event::lossy || event == Event::slow || event == Event::sound;
}

/// Lasting causes are recorded in every state, so that none is forgotten while the operator keeps the session down.
/// Returns true if the event changed one.
bool note_cause(FsmState& memory, Event event) {
    const auto set = [](bool& cause, bool value) { return std::exchange(cause, value) != value; };
    switch (event) {
        case Event::carrier_lost:
            return set(memory.carrier_cause, true);
        case Event::carrier_back:
            return set(memory.carrier_cause, false);
        case Event::neighbor_failed:
            return set(memory.neighbor_cause, true);
        case Event::neighbor_resolved:
            return set(memory.neighbor_cause, false);
        case Event::ip_off:
            return set(memory.ip_cause, true);
        case Event::ip_back:
            return set(memory.ip_cause, false);
        default:
            return false;
    }
}

SessionActions go_down(FsmState& memory, Event event, Nanoseconds now, const RestorePolicy& policy) {
    if (policy.damping && event != Event::admin_down && event != Event::unproven)
        add_flap(memory.damping, *policy.damping, now);
    memory.relapsed = memory.state == State::wait || (memory.relapsed && memory.state == State::down);
    memory.state = event == Event::admin_down ? State::admin_down : State::down;
    memory.reason = reason_of(event);
    memory.poor = Reason::none;
    memory.proven = false;
    // The operator's is no failure, and what never worked has not failed either.
    if (event != Event::admin_down && event != Event::unproven) ++memory.downs;
    // With its own verdict, the kernel has already asked for fresh proof.
    return {.changed = true, .lower = true, .ask_proof = event != Event::dead};
}

SessionActions go_up(FsmState& memory) {
    const bool poor = memory.poor != Reason::none;
    memory.state = poor ? State::degraded : State::up;
    memory.reason = memory.poor;
    memory.relapsed = false;
    return {.changed = true, .raise = !poor, .degrade = poor};
}

/// From down: the session starts to come up once it is proven and no cause is left.
SessionActions try_restore(FsmState& memory, Nanoseconds now, const RestorePolicy& policy) {
    if (!memory.proven || memory.carrier_cause || memory.neighbor_cause || memory.ip_cause) return {};
    memory.wait_until = now + policy.wait_to_restore;
    if (policy.damping) {
        const auto reuse = reuse_at(memory.damping, *policy.damping, now);
        if (reuse) memory.wait_until = std::max(memory.wait_until, *reuse);
    }
    if (memory.wait_until <= now) return go_up(memory);
    memory.state = State::wait;
    return {.changed = true, .wait = true, .timer = memory.wait_until};
}

SessionActions ignore(FsmState& memory) {
    ++memory.ignored;
    return {};
}

/// The operator lets it come up again, or the rehearsal ends.
SessionActions step_admin_down(FsmState& memory, Event event, bool cause_changed, Nanoseconds now) {
    if (event == Event::admin_down && memory.reason == Reason::rehearsal) {
        memory.reason = Reason::admin;  // now it is meant
        return {.changed = true};
    }
    const bool ends = event == Event::timer && memory.reason == Reason::rehearsal;
    if (ends && now < memory.wait_until) return {.timer = memory.wait_until};
    if (!ends && event != Event::admin_up) return cause_changed ? SessionActions{} : ignore(memory);
    memory.state = State::down;
    memory.proven = false;
    return {.changed = true, .ask_proof = true};
}

/// Up and degraded differ only in the quality of the path.
SessionActions step_alive(FsmState& memory, Event event, Nanoseconds now, const RestorePolicy& policy) {
    if (event == Event::unproven) return ignore(memory);
    if (is_failure(event)) return go_down(memory, event, now, policy);
    if (!is_quality(event) || memory.poor == reason_of(event)) return ignore(memory);
    memory.poor = reason_of(event);
    return go_up(memory);
}

SessionActions step_wait(FsmState& memory, Event event, Nanoseconds now, const RestorePolicy& policy) {
    if (event == Event::unproven) return ignore(memory);
    if (is_failure(event)) return go_down(memory, event, now, policy);
    if (is_quality(event)) {
        memory.poor = reason_of(event);
        return {};
    }
    if (event != Event::timer) return ignore(memory);
    if (now < memory.wait_until) return {.timer = memory.wait_until};
    memory.damping.suppressed = false;
    return go_up(memory);
}

SessionActions step_down(FsmState& memory, Event event, bool cause_changed, Nanoseconds now,
                         const RestorePolicy& policy) {
    // A session that only a lasting cause keeps down is graded all the same.
    if (is_quality(event) && memory.proven) {
        memory.poor = reason_of(event);
        return {};
    }
    switch (event) {
        case Event::alive:
            memory.proven = true;
            return try_restore(memory, now, policy);
        case Event::dead:
            memory.proven = false;
            memory.poor = Reason::none;
            return {};
        case Event::carrier_lost:
        case Event::neighbor_failed:
        case Event::ip_off:
            memory.proven = false;
            memory.poor = Reason::none;
            // Lost carrier is a stronger reason than unanswered probes, which the kernel may have noticed first.
            if (event != Event::carrier_lost || memory.reason == Reason::carrier) return {.ask_proof = true};
            memory.reason = Reason::carrier;
            return {.changed = true, .ask_proof = true};
        case Event::carrier_back:
        case Event::neighbor_resolved:
        case Event::ip_back:
            return cause_changed ? try_restore(memory, now, policy) : ignore(memory);
        case Event::admin_down:
            return go_down(memory, event, now, policy);
        default:
            return ignore(memory);
    }
}

}  // namespace

std::string_view to_string(SessionState state) {
    static constexpr std::array<std::string_view, kSessionStates> kTexts{"init", "up",         "down",
                                                                         "wait", "admin-down", "degraded"};
    return kTexts.at(static_cast<std::size_t>(state));
}

std::string_view to_string(SessionEvent event) {
    static constexpr std::array<std::string_view, kSessionEvents> kTexts{"alive",
                                                                         "dead",
                                                                         "carrier-lost",
                                                                         "carrier-back",
                                                                         "neighbor-failed",
                                                                         "neighbor-resolved",
                                                                         "timer",
                                                                         "admin-down",
                                                                         "admin-up",
                                                                         "lossy",
                                                                         "slow",
                                                                         "sound",
                                                                         "ip-off",
                                                                         "ip-back",
                                                                         "unprobed",
                                                                         "unproven"};
    return kTexts.at(static_cast<std::size_t>(event));
}

bool is_unstable(const FsmState& memory) {
    return memory.relapsed || memory.damping.suppressed;
}

bool is_rehearsing(const FsmState& memory) {
    return memory.state == State::admin_down && memory.reason == Reason::rehearsal;
}

void shorten_wait(FsmState& memory, Nanoseconds now, const RestorePolicy& policy) {
    if (memory.state != State::wait || (memory.damping.suppressed && policy.damping)) return;
    memory.wait_until = std::min(memory.wait_until, now + policy.wait_to_restore);
}

SessionActions rehearse(FsmState& memory, Nanoseconds end, Nanoseconds now, const RestorePolicy& policy) {
    if (memory.state == State::admin_down && !is_rehearsing(memory)) return ignore(memory);
    auto actions = go_down(memory, Event::admin_down, now, policy);
    memory.reason = Reason::rehearsal;
    memory.wait_until = end;
    actions.timer = end;
    return actions;
}

SessionActions step(FsmState& memory, SessionEvent event, Nanoseconds now, const RestorePolicy& policy) {
    const bool cause_changed = note_cause(memory, event);
    switch (memory.state) {
        case State::init:
            if (event == Event::alive) {
                memory.proven = true;
                return go_up(memory);
            }
            if (is_failure(event) && event != Event::dead) return go_down(memory, event, now, policy);
            return cause_changed ? SessionActions{} : ignore(memory);
        case State::up:
        case State::degraded:
            return step_alive(memory, event, now, policy);
        case State::wait:
            return step_wait(memory, event, now, policy);
        case State::down:
            return step_down(memory, event, cause_changed, now, policy);
        case State::admin_down:
            return step_admin_down(memory, event, cause_changed, now);
    }
    return ignore(memory);
}

}  // namespace sidestep
