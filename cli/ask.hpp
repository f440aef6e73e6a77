// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every command does that asks a running daemon: connect, ask, print. Each ends the command on failure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "cli/client.hpp"
#include "cli/daemon_options.hpp"

namespace sidestep {

/// A connection to the daemon that the options are about; without one, the command ends with `exit_code`.
Client connect(const DaemonOptions& options, ExitCode exit_code = kExitFailure);
/// Its answer to one request.
nlohmann::json ask(const DaemonOptions& options, const nlohmann::json& request);

/// Prints at once, so that the next program in a pipe sees each event when it happens.
void print(const std::string& text);
/// One line if `indent` is negative.
std::string json_text(const nlohmann::json& value, int indent);

}  // namespace sidestep
