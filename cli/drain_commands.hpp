// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// drain, undrain, fail: an adjacency is taken out of use, and put back.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/daemon_options.hpp"

namespace sidestep {

/// The daemon's answer to `drain`, in sentences. `refused`: to a dry run of what would be refused.
std::string report_drain(const nlohmann::json& answer, bool refused = false);

void add_drain_commands(CLI::App& app, const std::shared_ptr<DaemonOptions>& options);

}  // namespace sidestep
