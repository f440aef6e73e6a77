// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep exporter`: what it hands to the program of its own that it starts.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace sidestep {

/// `own` follow the command's name. Options of `sidestep` precede them, unless they are given there, too: what was said
/// last counts, and may have come from the environment before.
std::vector<std::string> exporter_arguments(const CLI::App& app, const std::vector<std::string>& own);

}  // namespace sidestep
