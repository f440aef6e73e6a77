// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which interfaces packets at XDP can leave by: what their drivers say of themselves, by the kernel's generic netlink
// family "netdev" (Linux 6.3 and later). A veth takes such frames only while its other end polls: that changes.
#pragma once

#include <memory>
#include <set>

#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {

class XdpRedirectTargets {
  public:
    /// Of the network namespace of this thread. An error if the kernel does not tell.
    static Result<XdpRedirectTargets> open();

    /// The indexes of all that take frames now.
    [[nodiscard]] Result<std::set<int>> ask() const;

  private:
    XdpRedirectTargets(std::unique_ptr<nl_sock, NlFree> socket, int family)
        : socket_(std::move(socket)), family_(family) {}

    std::unique_ptr<nl_sock, NlFree> socket_;
    int family_;
};

}  // namespace sidestep
