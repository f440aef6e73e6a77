// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the API's `drain` asks for and answers: whether it can be done, and what it does to traffic.
#pragma once

#include <nlohmann/json.hpp>

#include "common/duration.hpp"
#include "common/error.hpp"
#include "detector/app/detector_commands.hpp"
#include "detector/engine/drain_plan.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// An error says why this session cannot be drained, and what to do instead.
Result<void> check_drain(const Session& session, const DrainRequest& request);

Nanoseconds time_of(double milliseconds);

/// The fields are described in docs/api.md.
nlohmann::json answer_drain(const DrainPlan& plan, const Session& session, const DrainRequest& request);

}  // namespace sidestep
