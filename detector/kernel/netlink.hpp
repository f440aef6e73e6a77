// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel tells about links, neighbors and addresses, by rtnetlink over libnl.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/core/kernel_change.hpp"

struct nl_sock;
struct nl_msg;
struct nlmsghdr;

namespace sidestep {

struct NetlinkHandlers {
    std::function<void(const LinkChange&)> link;
    std::function<void(const NeighborChange&)> neighbor;
    std::function<void(const AddressChange&)> address;
};

class Netlink {
  public:
    /// Subscribes; handlers are called from dump() and read() only.
    static Result<std::unique_ptr<Netlink>> open(NetlinkHandlers handlers);
    Netlink(const Netlink&) = delete;
    Netlink& operator=(const Netlink&) = delete;
    ~Netlink();

    /// Becomes readable when there is something to read().
    [[nodiscard]] int fd() const;
    /// Delivers what is waiting. If messages were lost, everything is dumped again.
    void read();
    /// Delivers the present state of everything.
    Result<void> dump();
    /// Asks the kernel to resolve a neighbor now; the answer comes as a NeighborChange.
    void resolve(int ifindex, const Address& address);

  private:
    explicit Netlink(NetlinkHandlers handlers) : handlers_(std::move(handlers)) {}
    Result<void> connect();
    static int on_message(nl_msg* message, void* self);
    void on_link(nlmsghdr* header) const;
    void on_neighbor(nlmsghdr* header) const;
    void on_address(nlmsghdr* header) const;

    NetlinkHandlers handlers_;
    nl_sock* events_ = nullptr;
    nl_sock* dumps_ = nullptr;
    nl_sock* requests_ = nullptr;  ///< of its own: handlers make requests while a dump is being read
};

}  // namespace sidestep
