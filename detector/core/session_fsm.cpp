// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The transitions of a session.
#include "detector/core/session_fsm.hpp"

#include <array>
#include <utility>

namespace sidestep {
namespace {

using State = SessionState;
using Event = SessionEvent;

bool is_failure(Event event) {
    return event == Event::dead || event == Event::carrier_lost || event == Event::neighbor_failed ||
           event == Event::admin_down;
}

Reason reason_of(Event event) {
    switch (event) {
        case Event::dead:
            return Reason::unanswered;
        case Event::carrier_lost:
            return Reason::carrier;
        case Event::neighbor_failed:
            return Reason::neighbor;
        case Event::admin_down:
            return Reason::admin;
        default:
            return Reason::none;
    }
}

/// Lasting causes are kept in every state, so that none is forgotten while the operator has the session down.
/// Returns true if the event changed one.
bool note_cause(SessionMemory& memory, Event event) {
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
        default:
            return false;
    }
}

SessionActions go_down(SessionMemory& memory, Event event) {
    memory.state = event == Event::admin_down ? State::admin_down : State::down;
    memory.reason = reason_of(event);
    memory.proven = false;
    ++memory.downs;
    // The kernel asked for fresh proof by itself when the verdict was its own.
    return {.changed = true, .lower = true, .ask_proof = event != Event::dead};
}

SessionActions go_up(SessionMemory& memory) {
    memory.state = State::up;
    memory.reason = Reason::none;
    return {.changed = true, .raise = true};
}

/// From down: on the way up once it is proven and nothing stands against it.
SessionActions try_restore(SessionMemory& memory, Nanoseconds now, Nanoseconds wait_to_restore) {
    if (!memory.proven || memory.carrier_cause || memory.neighbor_cause) return {};
    if (wait_to_restore == Nanoseconds::zero()) return go_up(memory);
    memory.state = State::wait;
    memory.wait_until = now + wait_to_restore;
    return {.changed = true, .timer = memory.wait_until};
}

SessionActions ignore(SessionMemory& memory) {
    ++memory.ignored;
    return {};
}

SessionActions step_down(SessionMemory& memory, Event event, bool cause_changed, Nanoseconds now,
                         Nanoseconds wait_to_restore) {
    switch (event) {
        case Event::alive:
            memory.proven = true;
            return try_restore(memory, now, wait_to_restore);
        case Event::dead:
            memory.proven = false;
            return {};
        case Event::carrier_lost:
        case Event::neighbor_failed:
            memory.proven = false;
            return {.ask_proof = true};
        case Event::carrier_back:
        case Event::neighbor_resolved:
            return cause_changed ? try_restore(memory, now, wait_to_restore) : ignore(memory);
        case Event::admin_down:
            return go_down(memory, event);
        default:
            return ignore(memory);
    }
}

}  // namespace

std::string_view to_string(SessionState state) {
    static constexpr std::array<std::string_view, kSessionStates> kTexts{"init", "up", "down", "wait", "admin-down"};
    return kTexts.at(static_cast<std::size_t>(state));
}

std::string_view to_string(SessionEvent event) {
    static constexpr std::array<std::string_view, kSessionEvents> kTexts{
        "alive", "dead",       "carrier-lost", "carrier-back", "neighbor-failed", "neighbor-resolved",
        "timer", "admin-down", "admin-up"};
    return kTexts.at(static_cast<std::size_t>(event));
}

SessionActions step(SessionMemory& memory, SessionEvent event, Nanoseconds now, Nanoseconds wait_to_restore) {
    const bool cause_changed = note_cause(memory, event);
    switch (memory.state) {
        case State::init:
            if (event == Event::alive) {
                memory.proven = true;
                return go_up(memory);
            }
            if (is_failure(event) && event != Event::dead) return go_down(memory, event);
            return cause_changed ? SessionActions{} : ignore(memory);
        case State::up:
            return is_failure(event) ? go_down(memory, event) : ignore(memory);
        case State::wait:
            if (is_failure(event)) return go_down(memory, event);
            if (event != Event::timer) return ignore(memory);
            if (now < memory.wait_until) return {.timer = memory.wait_until};
            return go_up(memory);
        case State::down:
            return step_down(memory, event, cause_changed, now, wait_to_restore);
        case State::admin_down:
            if (event == Event::admin_up) {
                memory.state = State::down;
                memory.proven = false;
                return {.changed = true, .ask_proof = true};
            }
            return cause_changed ? SessionActions{} : ignore(memory);
    }
    return ignore(memory);
}

}  // namespace sidestep
