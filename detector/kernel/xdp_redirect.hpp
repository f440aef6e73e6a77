// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds the XDP redirect targets: the interfaces whose drivers report, by the kernel's generic netlink family "netdev"
// (Linux 6.3 and later), that they can send such frames. A veth can only while its peer polls, so the answer changes.
#pragma once

#include <memory>
#include <set>

#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

class XdpRedirectTargets {
  public:
    /// For the network namespace of this thread. Returns an error if the kernel does not report redirect targets.
    static Result<XdpRedirectTargets> open();

    /// The indices of all interfaces that are redirect targets now.
    [[nodiscard]] Result<std::set<int>> ask() const;

  private:
    XdpRedirectTargets(std::unique_ptr<nl_sock, NlFree> socket, int family)
        : socket_(std::move(socket)), family_(family) {}

    std::unique_ptr<nl_sock, NlFree> socket_;
    int family_;
};

}  // namespace sidestep
