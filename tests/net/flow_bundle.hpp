// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends many flows from one node to another, with different ports (and, for IPv6, labels), and shows which of them lose
// packets when one of several paths fails. One thread sends for all.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "topo/flow.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

class FlowBundle {
  public:
    /// `rate` is packets per second of each flow.
    static Result<FlowBundle> start(const NetNs& from, const NetNs& to, const Address& source,
                                    const Address& destination, std::size_t flows, double rate);

    /// Packets that have arrived, by flow.
    [[nodiscard]] std::vector<std::uint64_t> arrived() const;
    /// Watches until each flow has either received `packets` more or none at all; returns those with none.
    [[nodiscard]] std::set<std::size_t> standing(std::uint64_t packets = 20) const;
    std::vector<FlowReport> stop();

  private:
    struct State;
    explicit FlowBundle(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
    std::jthread receiver_;
    std::jthread sender_;
};

}  // namespace sidestep::topo
