// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep init`: a first configuration for this machine, or for a node of a topology file.
#pragma once

#include <CLI/CLI.hpp>

namespace sidestep {

void add_init_command(CLI::App& app);

}  // namespace sidestep
