// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When a session's state may be set, and when the detector itself clears it. Pure: events and the time go in, actions
// come out. The kernel's tick clears words by itself; this machine decides when a path is trusted again.
//
//                      alive                                  any failure
//        +---> init ------------> up --------------------------------------> down <---+
//   start                         ^                                           |       | any failure
//                                 |  wait-to-restore is over                  | alive, and no cause left
//                                 +------------------- wait <-----------------+       |
//                                                        +----------------------------+
//
// Beside up there is degraded: alive, but lossy or slow; it goes to and fro between the two, and fails like up.
//
// A new session is trusted (state up) until it fails: a session that never answered has not failed, it is
// misconfigured, and must not move traffic. A failure is a dead verdict, lost carrier, a failed neighbor or the
// operator; the last three are causes that last, and none may be left when the session goes up again. After each
// failure fresh proof is asked for: `up_count` answers in a row to probes sent since.
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
    alive,         ///< the kernel saw fresh proof
    dead,          ///< the kernel's verdict
    carrier_lost,  ///< or interface down, or gone
    carrier_back,
    neighbor_failed,  ///< neighbor discovery gave up
    neighbor_resolved,
    timer,  ///< the time that the last step asked for has come
    admin_down,
    admin_up,
    lossy,  ///< alive, but loses too much
    slow,   ///< alive, but its round trip is too long
    sound,  ///< neither any more
};
inline constexpr std::size_t kSessionEvents = 12;

std::string_view to_string(SessionState state);
std::string_view to_string(SessionEvent event);

/// What is remembered of a session between events. Times are CLOCK_MONOTONIC.
struct FsmState {
    SessionState state = SessionState::init;
    Reason reason = Reason::none;  ///< of the last failure, while not up
    Reason poor = Reason::none;    ///< lossy or slow, while alive
    bool carrier_cause = false;
    bool neighbor_cause = false;
    bool proven = false;       ///< alive since the last failure
    Nanoseconds wait_until{};  ///< while waiting
    DampingState damping{};
    std::uint64_t downs = 0;
    std::uint64_t ignored = 0;  ///< events that mean nothing in the state they came in
};

/// What to do after an event.
struct SessionActions {
    bool changed = false;                             ///< the state changed: log it
    bool lower = false;                               ///< clear the state
    bool raise = false;                               ///< set the state
    bool degrade = false;                             ///< put the state to degraded, from above or from below
    bool ask_proof = false;                           ///< raise the epoch: earlier answers count no more
    std::optional<Nanoseconds> timer = std::nullopt;  ///< deliver SessionEvent::timer then
};

/// When a session is trusted again.
struct RestorePolicy {
    Nanoseconds wait_to_restore{};
    std::optional<DampingSettings> damping = std::nullopt;
};

/// One step. Never fails: an event without meaning is counted and ignored.
SessionActions step(FsmState& memory, SessionEvent event, Nanoseconds now, const RestorePolicy& policy);

}  // namespace sidestep
