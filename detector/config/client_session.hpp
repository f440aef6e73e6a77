// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the session that a client asks for over the API. It is written as in a configuration file, so that there is one
// way to describe a session, and one set of checks.
#pragma once

#include <string>

#include "common/error.hpp"
#include "detector/config/config_file.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {

/// `request`: a JSON object with one of the keys "adjacency", "path" and "passive"; its value has the keys that an entry of
/// `adjacencies`, `paths` or `passives` has in sidestep.yaml(5). Defaults are those of `config`. The session's name gets
/// kClientPrefix. The error has a line per complaint, with field and reason.
Result<SessionConfig> read_client_session(const std::string& request, const Config& config,
                                          const InterfaceExists& exists = {}, const ConfigLimits& limits = {});

}  // namespace sidestep
