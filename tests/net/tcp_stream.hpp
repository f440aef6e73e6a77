// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends bytes by TCP from one namespace to another and checks them on arrival. The sender hands large pieces to the
// kernel, so that they cross the lab as GSO packets; its pace leaves processor time for others.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "common/address.hpp"
#include "common/error.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

class TcpStream {
  public:
    /// Connects and starts to send. IPv4 addresses are IPv4-mapped ones.
    static Result<TcpStream> start(const NetNs& from, const NetNs& to, const Address& source,
                                   const Address& destination);

    /// Bytes that have arrived correctly.
    [[nodiscard]] std::uint64_t received() const;
    /// Ends the stream and waits for the last byte. Fails if a byte is wrong or missing.
    Result<std::uint64_t> finish();

  private:
    struct State;
    explicit TcpStream(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
    std::jthread receiver_;
    std::jthread sender_;
};

}  // namespace sidestep::topo
