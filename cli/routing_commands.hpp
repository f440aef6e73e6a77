// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands of `sidestep` about routing: compute, explain and coverage. They work without privileges, on a
// topology file, so that a network can be assessed before anything is installed, or on FRR's IS-IS database.
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

namespace sidestep::routing {

/// Adds the subcommands to `app`. They run while the arguments are parsed, print to stdout, and on bad input print one
/// sentence per line to stderr and throw CLI::RuntimeError(2), which CLI::App::exit() turns into exit code 2.
void add_routing_commands(CLI::App& app);

}  // namespace sidestep::routing
