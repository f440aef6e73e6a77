// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Logs every transition with its reason and evidence: keeps the last ones, and hands all of them to subscribers.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"
#include "detector/core/config.hpp"
#include "detector/core/reason.hpp"
#include "detector/core/session_fsm.hpp"

namespace sidestep {

struct LoggedEvent {
    Nanoseconds time{};     ///< CLOCK_MONOTONIC time of the decision; for a verdict, the kernel's time
    std::string wall_time;  ///< UTC, for people
    std::string session;
    SessionState state{};              ///< the new state
    Reason reason{};                   ///< why the session is not up
    Mode mode{};                       ///< whether packets are moved for it
    std::optional<ss_event> evidence;  ///< what the kernel's judge saw
};

class EventLog {
  public:
    void add(LoggedEvent event) {
        events_.push_back(std::move(event));
        if (events_.size() > kKept) events_.pop_front();
        if (on_event) on_event(events_.back());
    }
    [[nodiscard]] const std::deque<LoggedEvent>& all() const { return events_; }

    std::function<void(const LoggedEvent&)> on_event;

  private:
    static constexpr std::size_t kKept = 4096;
    std::deque<LoggedEvent> events_;
};

}  // namespace sidestep
