// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides when a session's state may be raised, and when the detector itself lowers it. Pure: events and the time go
// in, actions come out. The kernel's tick lowers states on its own; this machine decides when a path is trusted again.
//
//                      alive                                  any failure
//        +---> init ------------> up --------------------------------------> down <---+
//   start                         ^                                           |       | any failure
//                                 |  wait-to-restore is over                  | alive, and no cause left
//                                 +------------------- wait <-----------------+       |
//                                                        +----------------------------+
// Degraded is like up, but lossy or slow: a session changes freely between the two, and fails from both.
//
// A new session is proven by its first answers. Until then it counts as down, or, with `start: trusted`, as up; whoever
// makes the session sets that. A failure is a dead verdict, probes that are no longer sent, lost carrier, a
// failed neighbor, IPv6 switched off or the operator. All but the first two are lasting causes, and none may be left when the session goes up again. After
// each failure, fresh proof is needed: `up_count` answers in a row to probes sent since then.
//
// A waiting session answers its probes. Packets take it if nothing better is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/duration.hpp"
#include "detector/core/damping.hpp"
#include "detector/core/reason.hpp"

namespace sidestep {

enum class SessionState : std::uint8_t { init, up, down, wait, admin_down, degraded };
inline constexpr std::size_t kSessionStates = 6;

enum class SessionEvent : std::uint8_t {
    alive,         ///< the kernel has seen fresh proof
    dead,          ///< the kernel's verdict
    carrier_lost,  ///< or the interface is down or gone
    carrier_back,
    neighbor_failed,  ///< neighbor discovery gave up
    neighbor_resolved,
    timer,  ///< the time set by the last step has come
    admin_down,
    admin_up,
    lossy,   ///< alive, but with too much loss
    slow,    ///< alive, but with a long round trip
    sound,   ///< no longer lossy or slow
    ip_off,  ///< the interface sends no IPv6 packets of this node
    ip_back,
    unprobed,  ///< nothing was sent for too long
    unproven,  ///< a session that has to be proven has not answered for long enough
};
inline constexpr std::size_t kSessionEvents = 16;

/// Whether packets may rely on it because it has answered.
constexpr bool is_trusted(SessionState state) {
    return state == SessionState::up || state == SessionState::degraded || state == SessionState::wait;
}

std::string_view to_string(SessionState state);
std::string_view to_string(SessionEvent event);

/// What the state machine knows of a session between events. Times are CLOCK_MONOTONIC.
struct FsmState {
    SessionState state = SessionState::init;
    Reason reason = Reason::none;  ///< for the last failure, while not up
    Reason poor = Reason::none;    ///< lossy or slow, while alive
    bool carrier_cause = false;
    bool neighbor_cause = false;
    bool ip_cause = false;
    bool proven = false;       ///< alive since the last failure
    bool relapsed = false;     ///< failed while it waited; until it is up
    Nanoseconds wait_until{};  ///< while waiting, and while a failure is rehearsed
    DampingState damping{};
    std::uint64_t downs = 0;
    std::uint64_t ignored = 0;  ///< events without meaning in the state they came in
};

/// What the caller must do after an event.
struct SessionActions {
    bool changed = false;                             ///< the state changed: log it
    bool lower = false;                               ///< set the state to down
    bool raise = false;                               ///< set the state to up
    bool degrade = false;                             ///< set the state to degraded, from above or below
    bool wait = false;                                ///< set the state from down to waiting; see is_unstable()
    bool ask_proof = false;                           ///< raise the epoch: earlier answers no longer count
    std::optional<Nanoseconds> timer = std::nullopt;  ///< deliver SessionEvent::timer at this time
};

/// The rules for trusting a session again.
struct RestorePolicy {
    Nanoseconds wait_to_restore{};
    std::optional<DampingSettings> damping = std::nullopt;
};

/// True if the session failed again while it waited, or if damping keeps it waiting. Any other waiting session is better.
bool is_unstable(const FsmState& memory);

/// How long a rehearsed failure lasts.
inline constexpr Nanoseconds kShortestRehearsal = std::chrono::milliseconds(1);
inline constexpr Nanoseconds kLongestRehearsal = std::chrono::hours(1);

/// True while a failure is rehearsed.
bool is_rehearsing(const FsmState& memory);

/// Ends the wait no later than a wait that begins now: the policy may have changed since it began. A session that damping
/// suppresses waits for its penalty to decay, as before.
void shorten_wait(FsmState& memory, Nanoseconds now, const RestorePolicy& policy);

/// Takes a session down as the operator does, until `end`; then it comes up again as any other that was down. A session
/// that the operator has taken down already stays so.
SessionActions rehearse(FsmState& memory, Nanoseconds end, Nanoseconds now, const RestorePolicy& policy);

/// Takes one step. Never fails: an event without meaning is counted and ignored.
SessionActions step(FsmState& memory, SessionEvent event, Nanoseconds now, const RestorePolicy& policy);

}  // namespace sidestep
