// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program sidestepd: takes the node, loads and attaches, runs the loop, and removes what it made.
#pragma once

#include <optional>
#include <string>

#include "common/error.hpp"
#include "detector/core/config.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {

struct DaemonOptions {
    std::string run_directory = "/run/sidestep";
    std::string config_file;       ///< read again at each reload
    std::string record;            ///< file for what comes into the engine; empty: none
    std::string operators;         ///< group that may use the API as root does; empty: none
    std::string readers;           ///< group that may ask it; empty: none
    std::optional<TcKind> attach;  ///< how programs are attached; none: the best way that the kernel has
};

/// Runs until SIGTERM or SIGINT, and removes everything that it made; or until SIGUSR1, and leaves everything running
/// for a successor. SIGHUP reloads the configuration file. An error means that it could not start; then nothing is left
/// behind.
Result<void> run_daemon(Config config, const DaemonOptions& options);

/// Removes what a dead detector left in this network namespace, and its pins as `node` (or the pins of all nodes in the
/// run directory if that is empty). Returns an error if a detector is running.
Result<void> flush(const std::string& node, const DaemonOptions& options);

}  // namespace sidestep
