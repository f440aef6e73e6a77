// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Inputs of the engine as lines of a recording: {"in": KIND, "at": NANOSECONDS, ...}.
#pragma once

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "detector/engine/engine_input.hpp"

namespace sidestep::record {

/// An input, and when it came (CLOCK_MONOTONIC).
struct TimedInput {
    EngineInput input;
    Nanoseconds at{};
};

nlohmann::json to_json(const TimedInput& timed);
/// Fails if the line is none that to_json() makes.
Result<TimedInput> input_of(const nlohmann::json& line);

}  // namespace sidestep::record
