// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs a program and collects its output, with a deadline: a routing daemon that hangs must not block us.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace sidestep::routing {

struct CommandOutput {
    int exit_code = 0;
    std::string out;
    std::string err;
};

/// Blocks until the program ends or `timeout` is over; then it is killed and this fails. It also fails if the program
/// cannot be started or is ended by a signal. `arguments` begins with the program, which is looked up in PATH.
Result<CommandOutput> run_command(const std::vector<std::string>& arguments, std::chrono::milliseconds timeout);

}  // namespace sidestep::routing
