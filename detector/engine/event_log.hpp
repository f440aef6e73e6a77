// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Every transition with its reason and its evidence: the last ones are kept, and all are handed to whoever follows.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"
#include "detector/core/reason.hpp"
#include "detector/core/session_fsm.hpp"

namespace sidestep {

struct LoggedEvent {
    Nanoseconds time{};     ///< CLOCK_MONOTONIC, when it was decided: for a verdict, the kernel's time
    std::string wall_time;  ///< UTC, for people
    std::string session;
    SessionState state{};              ///< entered
    Reason reason{};                   ///< why it is not up
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
