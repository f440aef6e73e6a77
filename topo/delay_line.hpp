// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One direction of a link, made slow: a program at egress of the sender's interface (topo/cut.bpf.c) hands each frame to
// a TAP device beside it; a thread reads them there, holds each until it is due, and sends it out of that interface.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "common/error.hpp"
#include "topo/cut.hpp"
#include "topo/delay_queue.hpp"

namespace sidestep::topo {

class DelayLine {
  public:
    /// What became of the frames that entered.
    struct Fate {
        std::uint64_t delivered = 0;
        std::uint64_t dropped = 0;  ///< the line was full, or the interface refused them
        Nanoseconds latest{};       ///< how long after its time a frame left at most: the machine was that busy
    };

    /// Prepares a line for one direction, forward or backward; frames pass as before. The cut has to stay where it is
    /// and to outlive the line.
    static Result<DelayLine> install(Cut& cut, Direction direction, const DelaySpec& spec);

    DelayLine(DelayLine&&) noexcept;
    DelayLine& operator=(DelayLine&&) = delete;
    DelayLine(const DelayLine&) = delete;
    DelayLine& operator=(const DelayLine&) = delete;
    ~DelayLine();

    /// From now on frames enter the line.
    void begin();
    /// Asks it to end: what is in the line is delivered at once, in its order. Does not wait.
    void release();
    /// Ends it and returns once everything is delivered and the device is gone.
    Fate stop();
    /// The longest time that a frame takes.
    [[nodiscard]] Nanoseconds longest() const;

  private:
    struct State;
    explicit DelayLine(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
    std::jthread thread_;
};

}  // namespace sidestep::topo
