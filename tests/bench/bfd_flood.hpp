// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// As many BFD packets that mean nothing as one sender can bring about, from the neighbor's address to a session's:
// malformed ones, ones for a session that is not there, and ones from beyond the link.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

class BfdFlood {
  public:
    /// From B, which has the address `from`.
    static Result<std::unique_ptr<BfdFlood>> start(const topo::Lab& lab, const Address& from, const Address& to);
    [[nodiscard]] std::uint64_t sent() const { return sent_; }

  private:
    explicit BfdFlood(std::vector<Fd> senders);
    void send(const std::stop_token& stop);

    std::vector<Fd> senders_;
    std::atomic<std::uint64_t> sent_{0};
    std::jthread thread_;
};

}  // namespace sidestep::bench
