// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a liveness protocol has to bear beside itself: busy processes, busy real-time processes, a flood of packets
// through the node. It ends with its owner, and by itself after a limit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "topo/hogs.hpp"
#include "topo/lab.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {

enum class Load { idle, cpu, fifo, flood };

std::string_view name_of(Load load);

/// As many small packets as one sender can bring about, S -> D of the demo's lab: through A and B.
class Flood {
  public:
    static Result<std::unique_ptr<Flood>> start(const topo::Lab& lab);
    [[nodiscard]] std::uint64_t sent() const { return sent_; }

  private:
    Flood(Fd sender, Fd receiver);
    void send(const std::stop_token& stop);

    Fd sender_;
    Fd receiver_;  ///< never read: what arrives is thrown away without an ICMP error
    std::atomic<std::uint64_t> sent_{0};
    std::jthread thread_;
};

/// A load while it lives.
class LoadInForce {
  public:
    /// Floods every lab. Throws std::runtime_error where the machine refuses it.
    LoadInForce(Load load, const std::vector<const topo::Lab*>& labs, std::chrono::milliseconds limit);

    /// Of all floods together since the start, in thousands of packets per second.
    [[nodiscard]] double flood_kpps() const;

  private:
    topo::Hogs hogs_;
    std::vector<std::unique_ptr<Flood>> floods_;
    topo::Clock::time_point begin_;
};

}  // namespace sidestep::bench
