// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the kernel tells about links, neighbors and addresses, by rtnetlink. After messages were lost, what is gone
// without a word is reported as gone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/core/kernel_change.hpp"
#include "detector/core/roll.hpp"
#include "detector/kernel/arp_request.hpp"
#include "detector/kernel/rtnl_feed.hpp"
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

/// Of the socket that hears of changes. A test that wants to lose some asks for less.
inline constexpr int kNetlinkBuffer = 4 << 20;

class Netlink {
  public:
    /// Subscribes; handlers are called from dump() and read() only.
    static Result<std::unique_ptr<Netlink>> open(NetlinkHandlers handlers, int receive_buffer = kNetlinkBuffer);
    Netlink(const Netlink&) = delete;
    Netlink& operator=(const Netlink&) = delete;
    ~Netlink();

    /// Becomes readable when there is something to read().
    [[nodiscard]] int fd() const { return feed_->fd(); }
    /// Delivers what is waiting. If messages were lost, it delivers the present state of everything, too. An error means
    /// that this is incomplete: dump() has to follow.
    Result<void> read();
    /// Delivers the present state of everything, and as gone what was reported before and is not there any more.
    Result<void> dump();
    /// The same without what is waiting, which is older.
    Result<void> look_anew() { return feed_->dump_anew(); }
    /// Delivers what the kernel knows of a neighbor, if that is usable, and has the neighbor asked for its MAC address;
    /// the answer comes as a NeighborChange. Never changes an entry of the neighbor table: those that an operator made
    /// count as they are. Not to be called by a handler.
    void resolve(int ifindex, const Address& address);

  private:
    using Host = std::pair<int, Address>;  ///< interface and address

    explicit Netlink(NetlinkHandlers handlers) : handlers_(std::move(handlers)) {}
    Result<void> connect(int receive_buffer);
    /// Whether IPv6 is on is reported with the interface, but not when it changes: these ask.
    void look_again(const nlmsghdr* header);
    void ask_links();
    /// Sends a request, which is freed, and hears its one answer.
    void ask(nl_msg* message);
    static int on_entry(nl_msg* message, void* self);
    void use(int ifindex, const Address& address);
    void resolve_v4(int ifindex, const Address& address, unsigned state);
    /// The state (NUD_*) of a neighbor's entry, which is delivered if it is usable; 0: there is none.
    unsigned look_up(int ifindex, const Address& address);
    void on_message(nlmsghdr* header);
    void begin_dump(int type);
    void end_dump(int type, bool complete);
    void on_link(nlmsghdr* header);
    void on_neighbor(nlmsghdr* header);
    void on_address(nlmsghdr* header);
    /// At once, or, if a dump names it, after what is gone.
    void tell(std::function<void()> change);

    NetlinkHandlers handlers_;
    std::unique_ptr<RtnlFeed> feed_;
    Roll<int, std::string> links_;  ///< names
    Roll<Host, std::monostate> neighbors_;
    Roll<Host, std::monostate> addresses_;
    bool dumping_ = false;
    std::vector<std::function<void()>> dumped_;  ///< what the present dump named; what is gone is told before
    std::set<int> to_ask_;                       ///< interfaces whose IPv6 may have been switched off or on
    nl_sock* requests_ = nullptr;                ///< of its own: its answers are not those of a dump
    unsigned entry_state_ = 0;                   ///< of the entry that was looked up last
    std::optional<Solicitor> solicitor_;
    std::optional<ArpRequester> arp_;
};

}  // namespace sidestep
