// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep doctor`: what keeps a node from working, and the commands that mend it. Changes nothing.
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/daemon_options.hpp"

namespace sidestep {

void add_doctor_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options);

}  // namespace sidestep
