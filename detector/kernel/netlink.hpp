// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel tells about links, neighbors and addresses, by rtnetlink over libnl.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/kernel/solicitation.hpp"

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
    /// Delivers what the kernel knows of a neighbor, if that is usable, and has the neighbor asked for its MAC address;
    /// the answer comes as a NeighborChange. Never writes to the neighbor table: entries that an operator made count as
    /// they are. Not to be called by a handler.
    void resolve(int ifindex, const Address& address);

  private:
    explicit Netlink(NetlinkHandlers handlers) : handlers_(std::move(handlers)) {}
    Result<void> connect();
    static int on_message(nl_msg* message, void* self);
    /// Whether IPv6 is on is reported with the interface, but not when it changes: these ask.
    void look_again(const nlmsghdr* header);
    void ask_links();
    static int on_entry(nl_msg* message, void* self);
    /// The state (NUD_*) of a neighbor's entry, which is delivered if it is usable; 0: there is none.
    unsigned look_up(int ifindex, const Address& address);
    void on_link(nlmsghdr* header) const;
    void on_neighbor(nlmsghdr* header) const;
    void on_address(nlmsghdr* header) const;

    NetlinkHandlers handlers_;
    std::set<int> to_ask_;  ///< interfaces whose IPv6 may have been switched off or on
    nl_sock* events_ = nullptr;
    nl_sock* dumps_ = nullptr;
    nl_sock* requests_ = nullptr;  ///< of its own: its answers are not those of a dump
    unsigned entry_state_ = 0;     ///< of the entry that was looked up last
    std::optional<Solicitor> solicitor_;
};

}  // namespace sidestep
