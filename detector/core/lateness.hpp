// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How late a timer is: the longest ever, and lately. The first turns after a start are late by what the start takes, and
// would hide everything that comes later. Pure.
#pragma once

#include <algorithm>
#include <utility>

#include "common/duration.hpp"

namespace sidestep {

class Lateness {
  public:
    void note(Nanoseconds late) {
        if (turns_++ % kTurns == 0) recent_ = std::exchange(current_, Nanoseconds::zero());
        current_ = std::max(current_, late);
        longest_ = std::max(longest_, late);
    }
    [[nodiscard]] Nanoseconds longest() const { return longest_; }
    /// Of the last 64 to 128 turns.
    [[nodiscard]] Nanoseconds recent() const { return std::max(recent_, current_); }

  private:
    static constexpr unsigned kTurns = 64;

    unsigned turns_ = 0;
    Nanoseconds longest_{};
    Nanoseconds recent_{};
    Nanoseconds current_{};
};

}  // namespace sidestep
