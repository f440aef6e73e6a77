// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands of `sidestep` about the detector. A command that fails throws CLI::RuntimeError with its exit code,
// having said why on stderr; main returns it.
#pragma once

#include <CLI/CLI.hpp>

namespace sidestep {

/// What a command exits with.
enum ExitCode : int {
    kExitFine = 0,
    kExitFailure = 1,   ///< something did not work: the daemon is not there, or says no
    kExitBadInput = 2,  ///< the arguments or a file are wrong
};

/// status, sessions, policies, events: asked of a running daemon.
void add_daemon_commands(CLI::App& app);

/// check FILE: a configuration, without a daemon.
void add_check_command(CLI::App& app);

}  // namespace sidestep
