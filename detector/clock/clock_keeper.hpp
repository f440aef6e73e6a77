// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which clock drives the tick program, and that it goes on: one that stands still is started again, and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "detector/clock/clock.hpp"
#include "detector/core/config.hpp"
#include "detector/maps/dataplane.hpp"

namespace sidestep {

class ClockKeeper {
  public:
    ClockKeeper(Dataplane& dataplane, ClockKind wanted, Nanoseconds now)
        : dataplane_(dataplane), wanted_(wanted), started_(now) {}

    /// Starts the clock that is wanted, or takes over a predecessor's; the process clock where the kernel clock cannot
    /// be had and is not insisted on.
    Result<void> start();
    /// Starts a clock again that has not ticked for a while. To be called every 100 ms or so.
    void watch(Nanoseconds now);
    /// Ends the clock and removes what it made. Without this a kernel clock goes on after its process.
    void stop();

    /// "none" before it was started.
    [[nodiscard]] std::string_view kind() const { return clock_ ? clock_->kind() : "none"; }
    /// Times that it stood still.
    [[nodiscard]] std::uint64_t restarts() const { return restarts_; }

  private:
    Dataplane& dataplane_;
    ClockKind wanted_;
    Nanoseconds started_;  ///< for the last time
    std::uint64_t restarts_ = 0;
    std::unique_ptr<Clock> clock_;
};

}  // namespace sidestep
