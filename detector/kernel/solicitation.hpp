// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Neighbor Solicitations (RFC 4861, 4.3) of our own. They are packets, so the kernel's neighbor table changes as it does
// with any packet, and entries that an operator made stay as they are. A request to the table itself cannot promise
// that (docs/decisions/0027-neighbors.md).
#pragma once

#include "common/address.hpp"
#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

class Solicitor {
  public:
    /// In the network namespace of the calling thread.
    static Result<Solicitor> open();

    /// Sends to the neighbor itself, which the kernel has to resolve first. For a neighbor without an entry, or whose
    /// entry has failed: the kernel ignores advertisements for those.
    void to_neighbor(int ifindex, const Address& neighbor) const;
    /// Sends to everyone who may have the address. For a neighbor that may have another MAC address than the kernel
    /// believes: its answer corrects the entry. Nothing is sent on an interface without Ethernet addresses.
    void to_group(int ifindex, const Address& neighbor) const;

  private:
    explicit Solicitor(Fd socket) : socket_(std::move(socket)) {}

    Fd socket_;
};

}  // namespace sidestep
