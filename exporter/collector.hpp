// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the detectors when somebody scrapes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace sidestep::exporter {

class Collector {
  public:
    using Log = std::function<void(const std::string&)>;

    /// Asks all detectors that have a socket in `run_dir` or left a state there, or only the one of `node`. `log` is told
    /// why one does not answer, when that changes: most often that the exporter may not ask it.
    Collector(std::string run_dir, std::string node, Log log)
        : run_dir_(std::move(run_dir)), node_(std::move(node)), log_(std::move(log)) {}

    /// As metrics_of(). May be called by several threads.
    [[nodiscard]] std::vector<std::string> collect();

  private:
    void note(const std::string& about, const std::string& trouble);

    std::string run_dir_;
    std::string node_;
    Log log_;
    std::mutex mutex_;
    std::map<std::string, std::string> troubles_;  ///< by what they concern; empty: none
};

/// Writes the metrics to a file that node_exporter's textfile collector reads: whole or not at all, for all to read.
/// Fails if something else than a regular file is there.
Result<void> write_textfile(const std::string& path, const std::vector<std::string>& families);

}  // namespace sidestep::exporter
