// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands of `sidestep` about the detector. A command that fails prints the reason on stderr and throws
// CLI::RuntimeError with its exit code; main returns it.
#pragma once

#include <CLI/CLI.hpp>

namespace sidestep {

/// Exit codes.
enum ExitCode : int {
    kExitFine = 0,
    kExitFailure = 1,   ///< failure: the daemon cannot be reached, or refuses
    kExitBadInput = 2,  ///< the arguments or a file are wrong
    kExitUnknown = 3,   ///< of doctor, whose other codes are about what it found: it could not look
};

/// status, sessions, policies, events, reload, diff...: they ask a running daemon.
void add_daemon_commands(CLI::App& app);

/// exporter: starts another program. After add_daemon_commands(), whose options it passes on.
void add_exporter_command(CLI::App& app);

/// check FILE: needs no daemon.
void add_check_command(CLI::App& app);

/// replay FILE: the same.
void add_replay_command(CLI::App& app);

}  // namespace sidestep
