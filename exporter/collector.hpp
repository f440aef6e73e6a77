// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the detectors when somebody scrapes.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"

namespace sidestep::exporter {

class Collector {
  public:
    /// Asks all detectors that have a socket in `run_dir` or left a state there, or only the one of `node`.
    Collector(std::string run_dir, std::string node) : run_dir_(std::move(run_dir)), node_(std::move(node)) {}

    /// As metrics_of().
    [[nodiscard]] std::vector<std::string> collect() const;

  private:
    std::string run_dir_;
    std::string node_;
};

/// Writes the metrics to a file that node_exporter's textfile collector reads: whole or not at all, for all to read.
/// Fails if something else than a regular file is there.
Result<void> write_textfile(const std::string& path, const std::vector<std::string>& families);

}  // namespace sidestep::exporter
