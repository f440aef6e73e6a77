// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tells systemd how the detector is (sd_notify(3)): ready, reloading, stopping, alive, and a line for people. Without
// systemd nothing happens. A message that is not taken is sent again at the next tick: the loop never waits.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "common/duration.hpp"
#include "detector/service/datagram.hpp"

namespace sidestep {

class ServiceManager {
  public:
    struct Environment {
        std::string socket{};    ///< of the service manager; empty: there is none
        Nanoseconds watchdog{};  ///< it expects a sign of life within this time; 0: it expects none
    };
    /// What the environment of this process says.
    static Environment environment();

    explicit ServiceManager(const Environment& environment);

    /// Probing runs, at first or after a reload.
    void ready();
    void reloading(Nanoseconds now);
    void stopping(const std::string& why);
    /// To be called all the time while the loop runs; `status` makes one line of text for people.
    void tick(Nanoseconds now, const std::function<std::string()>& status);

  private:
    void say(std::string message);
    void flush();

    std::optional<DatagramSender> sender_;
    Nanoseconds feed_every_{};  ///< 0: never
    Nanoseconds next_feed_{};
    Nanoseconds next_status_{};
    std::string status_;
    std::deque<std::string> waiting_;  ///< not taken yet, in order
};

}  // namespace sidestep
