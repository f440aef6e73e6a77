// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two clocks that can drive the tick program. Each beats from its making to its destruction.
#pragma once

#include <memory>
#include <string_view>

#include "bpf/model/duration.hpp"
#include "bpf/model/error.hpp"

namespace sidestep {

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual std::string_view kind() const = 0;
    /// Called when no beat was seen for a while: gets the clock going again. False if it cannot.
    virtual bool restart() = 0;
};

/// A thread of this process that runs the tick program by BPF_PROG_RUN on a timer.
Result<std::unique_ptr<Clock>> make_process_clock(int tick_program, Nanoseconds beat);

}  // namespace sidestep
