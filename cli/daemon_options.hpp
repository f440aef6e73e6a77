// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which daemon the commands are about.
#pragma once

#include <string>

#include "cli/commands.hpp"
#include "common/error.hpp"

namespace sidestep {

/// The daemon to ask, and how to print its answer.
struct DaemonOptions {
    std::string node;
    std::string socket;
    std::string run_dir = "/run/sidestep";
    bool json = false;
};

/// Prints the message and ends the command with this exit code.
[[noreturn]] void give_up(ExitCode code, const std::string& message);

/// Certainly not there; where that cannot be seen, connecting tells why.
bool is_absent(const std::string& socket);

/// The socket to ask: the named one, or else the only one. With none, or several, it ends the command by these codes.
std::string choose_socket(const DaemonOptions& options, ExitCode without_daemon = kExitFailure,
                          ExitCode with_several = kExitBadInput);

}  // namespace sidestep
