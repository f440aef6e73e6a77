// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two clocks that can drive the tick program.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/duration.hpp"
#include "common/error.hpp"

namespace sidestep {

/// How the names of the kernel clock's interfaces begin.
inline constexpr std::string_view kClockPrefix = "ss-clock";

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual std::string_view kind() const = 0;
    /// Called when no tick was seen for a while: gets the clock going again.
    virtual Result<void> restart() = 0;
    /// Ends the clock and removes what it made. Without this the kernel clock goes on after its object, and its
    /// process.
    virtual void stop() = 0;
};

/// A thread of this process that runs the tick program by BPF_PROG_RUN on a timer.
Result<std::unique_ptr<Clock>> make_process_clock(int tick_program, Nanoseconds tick);

/// A packet that circles through a veth pair and a TBF qdisc, past the tick program: it ticks on while this process is
/// busy, stopped, killed or replaced. Takes over the pair that a predecessor left. Writes `successor` (ss_clock_conf).
Result<std::unique_ptr<Clock>> make_kernel_clock(int tick_program, Nanoseconds tick, std::uint32_t& successor);

/// Removes the kernel clock of this network namespace, whoever made it.
void remove_kernel_clock();

}  // namespace sidestep
