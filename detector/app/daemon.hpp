// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestepd from start to end: takes the node, loads and attaches, runs the loop, and removes what it made.
#pragma once

#include <string>

#include "bpf/model/error.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

struct DaemonOptions {
    std::string run_directory = "/run/sidestep";
};

/// Runs until SIGTERM or SIGINT. An error means that it could not start; nothing is left behind then.
Result<void> run_daemon(const Config& config, const DaemonOptions& options);

}  // namespace sidestep
