// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the session's state machine: every pair of state and event is one row.
#include "detector/core/session_fsm.hpp"

#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using enum SessionState;
using E = SessionEvent;
using R = Reason;

constexpr Nanoseconds kStart = 100s;
constexpr Nanoseconds kWait = 5s;

// The effects of an event as letters, so that a row fits on a line.
constexpr unsigned C = 1;    // changed
constexpr unsigned L = 2;    // lower
constexpr unsigned A = 4;    // raise
constexpr unsigned P = 8;    // ask for proof
constexpr unsigned T = 16;   // timer at now + kWait
constexpr unsigned I = 32;   // counted as ignored
constexpr unsigned D = 64;   // state to degraded
constexpr unsigned W = 128;  // state to waiting

// Causes that keep a session down before the event.
constexpr unsigned kCarrier = 1;
constexpr unsigned kNeighbor = 2;
constexpr unsigned kProven = 4;
constexpr unsigned kIp = 8;

struct Row {
    SessionState from;
    unsigned before;
    SessionEvent event;
    SessionState to;
    unsigned after;
    Reason reason;
    unsigned actions;
};

// The reason before the event follows from the state: none in init and up, unanswered in down and wait, admin in
// admin_down. `kProven` keeps its value in rows that do not change it.
const std::vector<Row> kRows{
    // A new session is trusted until it fails; it cannot be dead before it was alive.
    {init, 0, E::alive, up, kProven, R::none, C | A},
    {init, 0, E::dead, init, 0, R::none, I},
    {init, 0, E::carrier_lost, down, kCarrier, R::carrier, C | L | P},
    {init, 0, E::carrier_back, init, 0, R::none, I},
    {init, 0, E::neighbor_failed, down, kNeighbor, R::neighbor, C | L | P},
    {init, 0, E::neighbor_resolved, init, 0, R::none, I},
    {init, 0, E::timer, init, 0, R::none, I},
    {init, 0, E::admin_down, admin_down, 0, R::admin, C | L | P},
    {init, 0, E::admin_up, init, 0, R::none, I},

    // Up: any failure brings it down; after its own verdict, the kernel itself asks for proof.
    {up, kProven, E::alive, up, kProven, R::none, I},
    {up, kProven, E::dead, down, 0, R::unanswered, C | L},
    {up, kProven, E::carrier_lost, down, kCarrier, R::carrier, C | L | P},
    {up, kProven, E::carrier_back, up, kProven, R::none, I},
    {up, kProven, E::neighbor_failed, down, kNeighbor, R::neighbor, C | L | P},
    {up, kProven, E::neighbor_resolved, up, kProven, R::none, I},
    {up, kProven, E::timer, up, kProven, R::none, I},
    {up, kProven, E::admin_down, admin_down, 0, R::admin, C | L | P},
    {up, kProven, E::admin_up, up, kProven, R::none, I},

    {up, kProven, E::lossy, degraded, kProven, R::lossy, C | D},
    {up, kProven, E::slow, degraded, kProven, R::slow, C | D},
    {up, kProven, E::sound, up, kProven, R::none, I},

    // Degraded: changes freely to up and back, and fails like up.
    {degraded, kProven, E::alive, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::dead, down, 0, R::unanswered, C | L},
    {degraded, kProven, E::carrier_lost, down, kCarrier, R::carrier, C | L | P},
    {degraded, kProven, E::carrier_back, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::neighbor_failed, down, kNeighbor, R::neighbor, C | L | P},
    {degraded, kProven, E::neighbor_resolved, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::timer, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::admin_down, admin_down, 0, R::admin, C | L | P},
    {degraded, kProven, E::admin_up, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::lossy, degraded, kProven, R::lossy, I},
    {degraded, kProven, E::slow, degraded, kProven, R::slow, C | D},
    {degraded, kProven, E::sound, up, kProven, R::none, C | A},

    // Not alive: quality means nothing, except for a session that waits.
    {init, 0, E::lossy, init, 0, R::none, I},
    {init, 0, E::slow, init, 0, R::none, I},
    {init, 0, E::sound, init, 0, R::none, I},
    {down, 0, E::lossy, down, 0, R::unanswered, I},
    {down, 0, E::slow, down, 0, R::unanswered, I},
    {down, 0, E::sound, down, 0, R::unanswered, I},
    {wait, kProven, E::lossy, wait, kProven, R::unanswered, 0},
    {wait, kProven, E::slow, wait, kProven, R::unanswered, 0},
    {wait, kProven, E::sound, wait, kProven, R::unanswered, 0},
    {admin_down, 0, E::lossy, admin_down, 0, R::admin, I},
    {admin_down, 0, E::slow, admin_down, 0, R::admin, I},
    {admin_down, 0, E::sound, admin_down, 0, R::admin, I},

    // Down without a lasting cause: proof starts the wait.
    {down, 0, E::alive, wait, kProven, R::unanswered, C | T | W},
    {down, 0, E::dead, down, 0, R::unanswered, 0},
    {down, 0, E::carrier_lost, down, kCarrier, R::carrier, C | P},
    {down, 0, E::carrier_back, down, 0, R::unanswered, I},
    {down, 0, E::neighbor_failed, down, kNeighbor, R::unanswered, P},
    {down, 0, E::neighbor_resolved, down, 0, R::unanswered, I},
    {down, 0, E::timer, down, 0, R::unanswered, I},
    {down, 0, E::admin_down, admin_down, 0, R::admin, C | L | P},
    {down, 0, E::admin_up, down, 0, R::unanswered, I},

    // Down with causes: needs proof and the end of every cause, in either order.
    {down, kCarrier, E::alive, down, kCarrier | kProven, R::unanswered, 0},
    {down, kNeighbor, E::alive, down, kNeighbor | kProven, R::unanswered, 0},
    {down, kCarrier, E::carrier_back, down, 0, R::unanswered, 0},
    {down, kNeighbor, E::neighbor_resolved, down, 0, R::unanswered, 0},
    {down, kCarrier | kProven, E::carrier_back, wait, kProven, R::unanswered, C | T | W},
    {down, kNeighbor | kProven, E::neighbor_resolved, wait, kProven, R::unanswered, C | T | W},
    {down, kCarrier | kNeighbor | kProven, E::carrier_back, down, kNeighbor | kProven, R::unanswered, 0},
    {down, kCarrier | kNeighbor | kProven, E::neighbor_resolved, down, kCarrier | kProven, R::unanswered, 0},
    {down, kCarrier | kProven, E::neighbor_resolved, down, kCarrier | kProven, R::unanswered, I},
    {down, kCarrier | kProven, E::carrier_lost, down, kCarrier, R::carrier, C | P},
    {down, kCarrier | kProven, E::dead, down, kCarrier, R::unanswered, 0},
    {down, kCarrier | kProven, E::neighbor_failed, down, kCarrier | kNeighbor, R::unanswered, P},
    {down, kCarrier | kProven, E::admin_down, admin_down, kCarrier, R::admin, C | L | P},

    // Waiting to be restored: the timer raises the state, and a failure starts over.
    {wait, kProven, E::alive, wait, kProven, R::unanswered, I},
    {wait, kProven, E::dead, down, 0, R::unanswered, C | L},
    {wait, kProven, E::carrier_lost, down, kCarrier, R::carrier, C | L | P},
    {wait, kProven, E::carrier_back, wait, kProven, R::unanswered, I},
    {wait, kProven, E::neighbor_failed, down, kNeighbor, R::neighbor, C | L | P},
    {wait, kProven, E::neighbor_resolved, wait, kProven, R::unanswered, I},
    {wait, kProven, E::timer, up, kProven, R::none, C | A},
    {wait, kProven, E::admin_down, admin_down, 0, R::admin, C | L | P},
    {wait, kProven, E::admin_up, wait, kProven, R::unanswered, I},

    // Nothing was sent: a failure, but no lasting cause.
    {init, 0, E::unprobed, down, 0, R::unprobed, C | L | P},
    {up, kProven, E::unprobed, down, 0, R::unprobed, C | L | P},
    {degraded, kProven, E::unprobed, down, 0, R::unprobed, C | L | P},
    {wait, kProven, E::unprobed, down, 0, R::unprobed, C | L | P},
    {down, 0, E::unprobed, down, 0, R::unanswered, I},
    {admin_down, 0, E::unprobed, admin_down, 0, R::admin, I},

    // Not proven in time: only a new session has to be.
    {init, 0, E::unproven, down, 0, R::unproven, C | L | P},
    {up, kProven, E::unproven, up, kProven, R::none, I},
    {degraded, kProven, E::unproven, degraded, kProven, R::lossy, I},
    {wait, kProven, E::unproven, wait, kProven, R::unanswered, I},
    {down, 0, E::unproven, down, 0, R::unanswered, I},
    {admin_down, 0, E::unproven, admin_down, 0, R::admin, I},

    // IPv6 switched off is one more lasting cause.
    {init, 0, E::ip_off, down, kIp, R::ip_off, C | L | P},
    {init, 0, E::ip_back, init, 0, R::none, I},
    {up, kProven, E::ip_off, down, kIp, R::ip_off, C | L | P},
    {up, kProven, E::ip_back, up, kProven, R::none, I},
    {degraded, kProven, E::ip_off, down, kIp, R::ip_off, C | L | P},
    {degraded, kProven, E::ip_back, degraded, kProven, R::lossy, I},
    {wait, kProven, E::ip_off, down, kIp, R::ip_off, C | L | P},
    {wait, kProven, E::ip_back, wait, kProven, R::unanswered, I},
    {down, 0, E::ip_off, down, kIp, R::unanswered, P},
    {down, kIp, E::alive, down, kIp | kProven, R::unanswered, 0},
    {down, kIp, E::ip_back, down, 0, R::unanswered, 0},
    {down, kIp | kProven, E::ip_back, wait, kProven, R::unanswered, C | T | W},
    {down, kIp | kCarrier | kProven, E::carrier_back, down, kIp | kProven, R::unanswered, 0},
    {admin_down, 0, E::ip_off, admin_down, kIp, R::admin, 0},
    {admin_down, kIp, E::ip_back, admin_down, 0, R::admin, 0},

    // Admin-down: causes are recorded, and nothing else counts.
    {admin_down, 0, E::alive, admin_down, 0, R::admin, I},
    {admin_down, 0, E::dead, admin_down, 0, R::admin, I},
    {admin_down, 0, E::carrier_lost, admin_down, kCarrier, R::admin, 0},
    {admin_down, kCarrier, E::carrier_lost, admin_down, kCarrier, R::admin, I},
    {admin_down, 0, E::carrier_back, admin_down, 0, R::admin, I},
    {admin_down, kCarrier, E::carrier_back, admin_down, 0, R::admin, 0},
    {admin_down, 0, E::neighbor_failed, admin_down, kNeighbor, R::admin, 0},
    {admin_down, 0, E::neighbor_resolved, admin_down, 0, R::admin, I},
    {admin_down, kNeighbor, E::neighbor_resolved, admin_down, 0, R::admin, 0},
    {admin_down, 0, E::timer, admin_down, 0, R::admin, I},
    {admin_down, 0, E::admin_down, admin_down, 0, R::admin, I},
    {admin_down, 0, E::admin_up, down, 0, R::admin, C | P},
    {admin_down, kCarrier, E::admin_up, down, kCarrier, R::admin, C | P},
};

Reason reason_in(SessionState state) {
    if (state == admin_down) return R::admin;
    if (state == degraded) return R::lossy;
    return state == down || state == wait ? R::unanswered : R::none;
}

FsmState memory_in(SessionState state, unsigned before) {
    FsmState memory;
    memory.state = state;
    memory.reason = reason_in(state);
    if (state == degraded) memory.poor = R::lossy;
    memory.carrier_cause = before & kCarrier;
    memory.neighbor_cause = before & kNeighbor;
    memory.ip_cause = before & kIp;
    memory.proven = before & kProven;
    memory.wait_until = kStart;
    return memory;
}

TEST(SessionFsm, EveryPairOfStateAndEventIsARow) {
    std::set<std::tuple<SessionState, SessionEvent>> seen;
    for (const auto& row : kRows) seen.emplace(row.from, row.event);
    EXPECT_EQ(seen.size(), kSessionStates * kSessionEvents);
}

TEST(SessionFsm, FollowsTheTable) {
    for (const auto& row : kRows) {
        SCOPED_TRACE(std::string(to_string(row.from)) + " (" + std::to_string(row.before) + ") + " +
                     std::string(to_string(row.event)));
        auto memory = memory_in(row.from, row.before);
        const auto actions = step(memory, row.event, kStart, {.wait_to_restore = kWait});

        EXPECT_EQ(to_string(memory.state), to_string(row.to));
        EXPECT_EQ(to_string(memory.reason), to_string(row.reason));
        EXPECT_EQ(memory.carrier_cause, (row.after & kCarrier) != 0);
        EXPECT_EQ(memory.neighbor_cause, (row.after & kNeighbor) != 0);
        EXPECT_EQ(memory.ip_cause, (row.after & kIp) != 0);
        EXPECT_EQ(memory.proven, (row.after & kProven) != 0);
        EXPECT_EQ(actions.changed, (row.actions & C) != 0);
        EXPECT_EQ(actions.changed, row.from != row.to || row.reason != reason_in(row.from));
        EXPECT_EQ(actions.degrade, (row.actions & D) != 0);
        EXPECT_EQ(actions.wait, (row.actions & W) != 0);
        EXPECT_EQ(actions.lower, (row.actions & L) != 0);
        EXPECT_EQ(actions.raise, (row.actions & A) != 0);
        EXPECT_EQ(actions.ask_proof, (row.actions & P) != 0);
        EXPECT_EQ(actions.timer, row.actions & T ? std::optional(kStart + kWait) : std::nullopt);
        EXPECT_EQ(memory.ignored, row.actions & I ? 1U : 0U);
        const bool failed = (row.actions & L) != 0 && row.event != E::admin_down && row.event != E::unproven;
        EXPECT_EQ(memory.downs, failed ? 1U : 0U);
    }
}

TEST(SessionFsm, WithoutWaitToRestoreProofRaisesAtOnce) {
    for (const auto& [before, event] : {std::pair{0U, E::alive}, std::pair{kCarrier | kProven, E::carrier_back},
                                        std::pair{kNeighbor | kProven, E::neighbor_resolved}}) {
        auto memory = memory_in(down, before);
        const auto actions = step(memory, event, kStart, {});
        EXPECT_EQ(memory.state, up);
        EXPECT_EQ(memory.reason, R::none);
        EXPECT_TRUE(actions.raise);
        EXPECT_FALSE(actions.timer);
    }
}

}  // namespace
}  // namespace sidestep
