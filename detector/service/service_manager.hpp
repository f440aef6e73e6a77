// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tells systemd how the detector is (sd_notify(3)): ready, reloading, stopping, alive, and a line for people. Without
// systemd nothing happens. A message that is not taken is sent again at the next tick: the loop never waits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/duration.hpp"
#include "common/fd.hpp"
#include "detector/service/datagram.hpp"

namespace sidestep {

class ServiceManager {
  public:
    struct Environment {
        std::string socket{};               ///< of the service manager; empty: there is none
        Nanoseconds watchdog{};             ///< it expects a sign of life within this time; 0: it expects none
        std::map<std::string, int> kept{};  ///< descriptors that it kept for this process, by name
    };
    /// What the environment of this process says.
    static Environment environment();

    explicit ServiceManager(const Environment& environment);

    /// Probing runs, at first or after a reload.
    void ready();
    void reloading(Nanoseconds now);
    void stopping(const std::string& why);
    /// Has it keep a descriptor for the next process of this service, instead of what it keeps under that name
    /// (FDSTORE=1). False if there is no service manager.
    bool keep(int fd, const std::string& name);
    /// It need not keep that any more.
    void forget(const std::string& name);
    /// What it kept for this process; none if there is nothing (any more) of that name.
    Fd take(const std::string& name);
    /// To be called all the time while the loop runs; `status` makes one line of text for people.
    void tick(Nanoseconds now, const std::function<std::string()>& status);

  private:
    struct Message {
        std::string text;
        Fd descriptor{};  ///< to go with it
    };

    void say(std::string text, Fd descriptor = {});
    void flush();
    [[nodiscard]] bool send(const Message& message) const;

    std::optional<DatagramSender> sender_;
    Nanoseconds feed_every_{};  ///< 0: never
    Nanoseconds next_feed_{};
    Nanoseconds next_status_{};
    std::string status_;
    std::deque<Message> waiting_;  ///< not taken yet, in order
    std::map<std::string, int> kept_;
};

}  // namespace sidestep
