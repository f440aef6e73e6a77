// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Traffic from S into A, as fast as one core can make it: S's packets and the router's work on them take turns on that
// core, so the packets per second of its time tell what the router costs. The generator's own work is in there, too: it
// is the smaller, the more packets are handed over in one burst.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

class Generator {
  public:
    struct Sent {
        std::uint64_t packets = 0;
        double seconds = 0;  ///< of the core's time
    };

    struct Datagrams {
        std::uint16_t port = 9;  ///< discard
        std::size_t bytes = 40;  ///< of their payload with IPv6, at least 40; with IPv4 they have 20 more
    };
    /// Packets of 102 bytes, if nothing else is asked for, from S to random ones of these, all IPv6 or all IPv4.
    static Result<Generator> create(const topo::Lab& lab, const std::vector<Address>& destinations,
                                    const Datagrams& datagrams);
    static Result<Generator> create(const topo::Lab& lab, const std::vector<Address>& destinations) {
        return create(lab, destinations, Datagrams());
    }
    Generator(Generator&&) noexcept;
    Generator& operator=(Generator&&) noexcept;
    ~Generator();

    /// Sends to these of its destinations only.
    void aim(std::size_t first, std::size_t count);
    /// Sends to all of them.
    void aim_at_all();
    /// Sends for about `length` of the core's time; `burst` packets (1 to 256) are made before the router sees the
    /// first of them.
    Result<Sent> run(std::chrono::nanoseconds length, unsigned burst);
    /// Sends until `stop` says so.
    Result<Sent> run_until(const std::function<bool()>& stop, unsigned burst);

  private:
    struct State;
    explicit Generator(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sidestep::bench
