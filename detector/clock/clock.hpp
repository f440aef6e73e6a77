// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two clocks that can drive the tick program.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/duration.hpp"
#include "common/error.hpp"

namespace sidestep {

/// The prefix of the kernel clock's interface names.
inline constexpr std::string_view kClockPrefix = "ss-clock";

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual std::string_view kind() const = 0;
    /// Restarts the clock. To be called after a while without a tick.
    virtual Result<void> restart() = 0;
    /// Makes it run at its own rate again, if something else than a clock's packet has changed that.
    virtual Result<void> set_pace() = 0;
    /// Stops the clock and removes what it created. Without this call the kernel clock runs on after the object, and
    /// after the process.
    virtual void stop() = 0;
};

/// A thread of this process that runs the tick program by BPF_PROG_RUN on a timer.
Result<std::unique_ptr<Clock>> make_process_clock(int tick_program, Nanoseconds tick);

/// A packet that circles through a veth pair and a TBF qdisc, through the tick program. It runs on while this process
/// is busy, stopped, killed or replaced. Takes over a predecessor's pair. Writes `successor` (ss_clock_conf).
Result<std::unique_ptr<Clock>> make_kernel_clock(int tick_program, Nanoseconds tick, std::uint32_t& successor);

/// Removes the kernel clock of this network namespace, no matter who created it.
void remove_kernel_clock();

}  // namespace sidestep
