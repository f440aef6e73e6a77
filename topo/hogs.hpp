// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Processes that only take processor time, to provoke false downs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "common/error.hpp"

namespace sidestep::topo {

class Hogs {
  public:
    Hogs() = default;
    Hogs(const Hogs&) = delete;
    Hogs& operator=(const Hogs&) = delete;
    /// Kills them.
    ~Hogs();

    /// Starts one more, for at most `limit`: on any core, or with SCHED_FIFO on this one. Fails if that is refused.
    Result<void> add(std::chrono::milliseconds limit, std::optional<int> core = std::nullopt);
    /// Waits until all are done.
    void wait();

  private:
    std::vector<pid_t> pids_;
};

}  // namespace sidestep::topo
