// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The SPF back-off of RFC 8405: react fast to the first event, wait longer while a network keeps changing. Every router
// that runs it with the same parameters computes at about the same time, which shortens micro-loops.
#pragma once

#include <optional>

#include "common/duration.hpp"

namespace sidestep::routing {

/// Section 6, with the defaults that it suggests.
struct SpfBackoffTimes {
    Nanoseconds initial_delay = std::chrono::milliseconds(50);   ///< INITIAL_SPF_DELAY
    Nanoseconds short_delay = std::chrono::milliseconds(200);    ///< SHORT_SPF_DELAY
    Nanoseconds long_delay = std::chrono::seconds(5);            ///< LONG_SPF_DELAY
    Nanoseconds time_to_learn = std::chrono::milliseconds(500);  ///< TIME_TO_LEARN_INTERVAL
    Nanoseconds holddown = std::chrono::seconds(10);             ///< HOLDDOWN_INTERVAL
};

/// `now` is time on any steady clock and never goes back. Call advance() at the latest when deadline() has come.
class SpfBackoff {
  public:
    enum class State { quiet, short_wait, long_wait };

    explicit SpfBackoff(const SpfBackoffTimes& times = {}) : times_(times) {}

    /// The network changed: starts or prolongs timers (section 5, transitions 1, 2, 3 and 5).
    void event(Nanoseconds now);
    /// Lets expired timers act; true if the SPF is due now (transitions 4 and 6 come to the state only).
    bool advance(Nanoseconds now);
    /// When advance() has something to do next; nullopt if never.
    [[nodiscard]] std::optional<Nanoseconds> deadline() const;
    [[nodiscard]] State state() const { return state_; }

  private:
    SpfBackoffTimes times_;
    State state_ = State::quiet;
    std::optional<Nanoseconds> spf_;       // SPF_TIMER
    std::optional<Nanoseconds> learn_;     // LEARN_TIMER
    std::optional<Nanoseconds> holddown_;  // HOLDDOWN_TIMER
};

}  // namespace sidestep::routing
