// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep top`: sessions and policies as they are now, again and again.
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/daemon_options.hpp"

namespace sidestep {

void add_top_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options);

}  // namespace sidestep
