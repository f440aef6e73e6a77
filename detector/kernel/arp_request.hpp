// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// ARP requests (RFC 826) of our own: for IPv4 what Neighbor Solicitations are for IPv6 (solicitation.hpp). They are
// packets, so the kernel's neighbor table changes as it does with any packet: an answer corrects an entry, revives one
// that failed, and leaves one that an operator made as it is. It makes none (docs/decisions/0027-neighbors.md).
#pragma once

#include "common/address.hpp"
#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

class ArpRequester {
  public:
    /// In the network namespace of the calling thread.
    static Result<ArpRequester> open();

    /// Asks everyone on the link, from each IPv4 address of the interface: whoever has the neighbor's address then knows
    /// this interface's MAC address for all of them. Nothing is sent on an interface without Ethernet addresses. What
    /// cannot be sent shows as no answer: it is tried again.
    void ask(int ifindex, const Address& neighbor) const;

  private:
    explicit ArpRequester(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
};

}  // namespace sidestep
