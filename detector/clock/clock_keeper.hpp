// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Chooses the clock that drives the tick program, watches it, and restarts it if it stops.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "detector/clock/clock.hpp"
#include "detector/core/config.hpp"
#include "detector/core/problems.hpp"
#include "detector/core/upkeep.hpp"
#include "detector/kernel/dataplane.hpp"

namespace sidestep {

class ClockKeeper {
  public:
    ClockKeeper(Dataplane& dataplane, ClockKind wanted, Nanoseconds now)
        : dataplane_(dataplane), wanted_(wanted), started_(now) {}

    /// Starts the configured clock, or takes over a predecessor's. With `automatic`, the process clock replaces a
    /// kernel clock that cannot be started. To be called again after the tick has changed.
    Result<void> start();
    /// Another clock is wanted from the next start() on.
    void want(ClockKind kind) { wanted_ = kind; }
    /// The time between two ticks that the running clock was started with.
    [[nodiscard]] Nanoseconds tick() const { return tick_; }
    /// Restarts a clock that has not ticked for a while, and sets the pace of one that is much too fast or too slow. To
    /// be called about every 100 ms. With `automatic`, the process clock replaces a kernel clock that somebody stops
    /// again and again.
    void watch(Nanoseconds now);
    [[nodiscard]] ProblemTexts problems() const;
    /// Stops the clock and removes what it created. Without this call a kernel clock runs on after its process.
    void stop();

    /// "none" before start().
    [[nodiscard]] std::string_view kind() const { return clock_ ? clock_->kind() : "none"; }
    /// How often this process restarted the clock.
    [[nodiscard]] std::uint64_t restarts() const { return restarts_; }

  private:
    Result<void> start_process_clock();
    [[nodiscard]] std::string fault(Nanoseconds now);
    Result<void> mend(bool runs);

    Dataplane& dataplane_;
    ClockKind wanted_;
    Nanoseconds started_;  ///< most recently
    std::uint64_t restarts_ = 0;
    Nanoseconds tick_{};
    std::unique_ptr<Clock> clock_;
    Upkeep upkeep_;
    std::uint64_t ticks_ = 0;  ///< at the time `counted_`
    Nanoseconds counted_{};
    std::string pace_;  ///< what is wrong with it
};

}  // namespace sidestep
