// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the detector's answers to requests of the command line, as JSON.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "detector/app/api.hpp"
#include "detector/app/attachments.hpp"
#include "detector/app/list_query.hpp"
#include "detector/app/session_history.hpp"
#include "detector/core/change_plan.hpp"
#include "detector/core/client_sessions.hpp"
#include "detector/core/problems.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {

/// Of all answers (docs/api/). It rises when a field changes its meaning or goes; new fields may come at any time.
inline constexpr int kSchemaVersion = 1;

/// What `status` reports in addition to the engine's data.
struct DetectorHealth {
    std::string node;
    std::string_view clock;          ///< kind of the running clock
    std::string_view attached;       ///< how the programs are attached: tcx or clsact
    Nanoseconds started{};           ///< CLOCK_MONOTONIC
    Nanoseconds longest_lateness{};  ///< of the detector's own timer
    Nanoseconds recent_lateness{};   ///< the same, of its last 64 to 128 turns
    std::uint64_t clock_restarts = 0;
    const std::vector<Entrance>& entrances;
    const Problems& problems;
    std::set<std::string> spare{};  ///< sessions for peers of FRR that another session answers for
};

nlohmann::json answer_status(Engine& engine, Dataplane& dataplane, const DetectorHealth& health, Nanoseconds now);
/// What they are given must outlive what they return. Whatever ends meanwhile is left out.
ApiPortions answer_sessions(const Engine& engine, const ClientSessions& clients, const SessionHistory& history,
                            const ListQuery& query);
ApiPortions answer_policies(const Engine& engine, const Dataplane& dataplane, const ListQuery& query);
nlohmann::json answer_session(const Engine& engine, const Session& session, const ClientSessions& clients,
                              const SessionHistory& history, Nanoseconds now);
nlohmann::json answer_policy(const Engine& engine, const Dataplane& dataplane, const Policy& policy);
/// {"changes": [...], "restart": BOOL}: what a reload does. `restart` means with new maps, because the present ones are
/// too small.
nlohmann::json answer_plan(const ChangePlan& plan, bool restart);
/// The text of a counter of the data plane (SS_COUNTERS of them).
std::string_view counter_name(std::size_t index);

}  // namespace sidestep
