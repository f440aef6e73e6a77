// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestepd from start to end: takes the node, loads and attaches, runs the loop, and removes what it made.
#pragma once

#include <optional>
#include <string>

#include "common/error.hpp"
#include "detector/core/config.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {

struct DaemonOptions {
    std::string run_directory = "/run/sidestep";
    std::string config_file;       ///< read again by a reload
    std::optional<TcKind> attach;  ///< how programs are attached; none: the best that the kernel has
};

/// Runs until SIGTERM or SIGINT, and removes everything it made; or until SIGUSR1, and leaves everything running for a
/// successor to adopt. SIGHUP reloads the configuration file. An error means that it could not start; nothing is left behind
/// then.
Result<void> run_daemon(const Config& config, const DaemonOptions& options);

/// Removes what a detector that is gone left in this network namespace, and what it pinned as `node` (all nodes of the
/// run directory if empty). An error if one is running.
Result<void> flush(const std::string& node, const DaemonOptions& options);

}  // namespace sidestep
