// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A measured stream: numbered UDP packets at a steady rate from one namespace to another, each with the time it was
// really sent. On a loaded machine the sender runs late; it then sends the missed packets at once and records it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "topo/clock.hpp"
#include "topo/flow.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

/// The flow's addresses, rate and length. Both addresses are of one family.
struct TrafficSpec {
    Address source{};
    Address destination{};
    double rate = 10'000;      ///< packets per second
    std::size_t payload = 64;  ///< bytes of UDP payload, at least 24
    std::uint64_t count = 0;   ///< packets to send; 0: until stopped
};

class Traffic {
  public:
    /// Opens the sockets in both namespaces and starts sending. The namespaces may go away before the traffic does.
    static Result<Traffic> start(const NetNs& from, const NetNs& to, const TrafficSpec& spec);

    Traffic(Traffic&&) noexcept;
    Traffic& operator=(Traffic&&) noexcept;
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;
    ~Traffic();

    [[nodiscard]] std::uint64_t sent() const;
    /// Datagrams that have arrived, duplicates included.
    [[nodiscard]] std::uint64_t arrived() const;
    /// Stops sending, waits until everything has arrived or nothing has arrived for 100 ms and the time that its path is
    /// known to take, and reports.
    FlowReport stop(Clock::duration path = Clock::duration::zero());
    /// Packet by packet, once stopped: when each was sent, and what arrived when.
    [[nodiscard]] const std::vector<std::int64_t>& sent_times() const;
    [[nodiscard]] const std::vector<Arrival>& arrivals() const;

  private:
    struct State;
    explicit Traffic(std::unique_ptr<State> state);
    void join();

    std::unique_ptr<State> state_;
    std::jthread receiver_;
    std::jthread sender_;
};

}  // namespace sidestep::topo
