// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The meaning of a configuration in an operator's terms, for `sidestep check`: how soon each adjacency is down after a
// failure and trusted again, and what each policy does then.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "detector/core/config.hpp"

namespace sidestep {

/// Tables for people.
std::string describe(const Config& config);

/// The same as one JSON object; times in microseconds where the key ends in _us, in milliseconds where in _ms. The list
/// "policies" is left empty: as JSON, a policy takes ten times the memory that it takes in the configuration.
nlohmann::json describe_json(const Config& config);

/// One element of "policies".
nlohmann::json policy_json(const PolicyConfig& policy);

}  // namespace sidestep
