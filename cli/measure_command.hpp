// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep measure`: loss and delay to a STAMP reflector, or around a path.
#pragma once

#include <memory>

#include "cli/daemon_options.hpp"

namespace sidestep {

void add_measure_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options);

}  // namespace sidestep
