// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// rtnetlink messages to values. Attributes are read directly: libnl's route objects know less than we ask for.
#include "detector/kernel/netlink.hpp"

#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rtnl.h>
#include <netlink/socket.h>

#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "detector/kernel/address_attributes.hpp"

namespace sidestep {
namespace {

constexpr unsigned kLowerUp = 1U << 16;  // IFF_LOWER_UP, of <linux/if.h>, which does not go with <net/if.h>

std::optional<MacAddress> mac_of(nlattr* attribute) {
    MacAddress mac{};
    if (attribute == nullptr || nla_len(attribute) != static_cast<int>(mac.size())) return std::nullopt;
    std::memcpy(mac.data(), nla_data(attribute), mac.size());
    return mac;
}

NeighborStatus status_of(unsigned state) {
    constexpr unsigned kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
    if ((state & kUsable) != 0) return NeighborStatus::usable;
    if ((state & NUD_FAILED) != 0) return NeighborStatus::failed;
    return NeighborStatus::unknown;
}

/// The number of the program at an interface's XDP; 0: none.
std::uint32_t xdp_program_of(nlattr* xdp) {
    std::array<nlattr*, IFLA_XDP_MAX + 1> attributes{};
    if (xdp == nullptr || nla_parse_nested(attributes.data(), IFLA_XDP_MAX, xdp, nullptr) < 0) return 0;
    auto* const id = attributes[IFLA_XDP_PROG_ID];
    return id == nullptr ? 0 : nla_get_u32(id);
}

/// Whether the interface has no IPv6: nothing is told of it there, or that it is switched off.
bool is_ip_off(nlattr* families) {
    if (families == nullptr) return false;
    auto* const v6 = nla_find(static_cast<nlattr*>(nla_data(families)), nla_len(families), AF_INET6);
    std::array<nlattr*, IFLA_INET6_MAX + 1> attributes{};
    if (v6 == nullptr || nla_parse_nested(attributes.data(), IFLA_INET6_MAX, v6, nullptr) < 0) return true;
    auto* const settings = attributes[IFLA_INET6_CONF];
    constexpr auto kAt = static_cast<int>(DEVCONF_DISABLE_IPV6 * sizeof(std::int32_t));
    std::int32_t off = 0;
    if (settings == nullptr || nla_len(settings) < kAt + static_cast<int>(sizeof off)) return false;
    std::memcpy(&off, static_cast<const char*>(nla_data(settings)) + kAt, sizeof off);
    return off != 0;
}

/// What rtnetlink calls an interface by that is told of in one family only; 0: it is not one interface.
int interface_of(const nlmsghdr* header) {
    if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK)
        return static_cast<const ifinfomsg*>(nlmsg_data(header))->ifi_index;
    if (header->nlmsg_type == RTM_DELADDR)
        return static_cast<int>(static_cast<const ifaddrmsg*>(nlmsg_data(header))->ifa_index);
    const auto* index = nlmsg_find_attr(const_cast<nlmsghdr*>(header), sizeof(netconfmsg), NETCONFA_IFINDEX);
    return index == nullptr ? 0 : nla_get_s32(index);
}

nl_msg* about_neighbor(int type, int flags, int ifindex, const Address& address, std::uint8_t neighbor_flags = 0) {
    ndmsg neighbor{};
    neighbor.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
    neighbor.ndm_ifindex = ifindex;
    neighbor.ndm_flags = neighbor_flags;
    nl_msg* message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
    if (message == nullptr) return nullptr;
    nlmsg_append(message, &neighbor, sizeof neighbor, NLMSG_ALIGNTO);
    const std::span bytes(address.bytes);
    const auto part = address.is_v4() ? bytes.last(sizeof(in_addr)) : bytes;
    nla_put(message, NDA_DST, static_cast<int>(part.size()), part.data());
    return message;
}

/// The kind of a virtual interface; empty for others.
std::string_view kind_of(nlattr* link_info) {
    std::array<nlattr*, IFLA_INFO_MAX + 1> attributes{};
    if (link_info == nullptr || nla_parse_nested(attributes.data(), IFLA_INFO_MAX, link_info, nullptr) < 0) return "";
    auto* const kind = attributes[IFLA_INFO_KIND];
    return kind == nullptr ? std::string_view() : nla_get_string(kind);
}

}  // namespace

Result<std::unique_ptr<Netlink>> Netlink::open(NetlinkHandlers handlers, int receive_buffer) {
    std::unique_ptr<Netlink> netlink(new Netlink(std::move(handlers)));
    if (auto connected = netlink->connect(receive_buffer); !connected) return std::unexpected(connected.error());
    return netlink;
}

Result<void> Netlink::connect(int receive_buffer) {
    requests_ = nl_socket_alloc();
    if (requests_ == nullptr) return fail("no memory for a netlink socket");
    nl_socket_disable_auto_ack(requests_);  // an entry or an error is all that comes back
    nl_socket_modify_cb(requests_, NL_CB_VALID, NL_CB_CUSTOM, &Netlink::on_entry, this);
    if (const int error = nl_connect(requests_, NETLINK_ROUTE); error < 0)
        return fail(std::string("rtnetlink: ") + nl_geterror(error));
    auto solicitor = Solicitor::open();
    if (!solicitor) return std::unexpected(solicitor.error());
    solicitor_ = std::move(*solicitor);
    auto arp = ArpRequester::open();
    if (!arp) return std::unexpected(arp.error());
    arp_ = std::move(*arp);
    auto feed = RtnlFeed::open({.name = "links, neighbors and addresses",
                                .groups = {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_IFADDR,
                                           RTNLGRP_IPV6_IFINFO, RTNLGRP_IPV6_NETCONF},
                                .dumps = {RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH},
                                .receive_buffer = receive_buffer},
                               {.message = [this](nlmsghdr* header) { on_message(header); },
                                .begin = [this](int type) { begin_dump(type); },
                                .end = [this](int type, bool complete) { end_dump(type, complete); }});
    if (!feed) return std::unexpected(feed.error());
    feed_ = std::move(*feed);
    return {};
}

Netlink::~Netlink() {
    nl_socket_free(requests_);
}

Result<void> Netlink::read() {
    while (!feed_->read(std::numeric_limits<int>::max())) {
    }
    ask_links();
    return feed_->last_dump();
}

void Netlink::ask_links() {
    for (const int ifindex : std::exchange(to_ask_, {})) {
        ifinfomsg link{};
        link.ifi_index = ifindex;
        nl_msg* message = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
        if (message == nullptr) return;
        nlmsg_append(message, &link, sizeof link, NLMSG_ALIGNTO);
        ask(message);  // an error means that there is no such link
    }
}

void Netlink::ask(nl_msg* message) {
    const int sent = nl_send_auto(requests_, message);
    nlmsg_free(message);
    if (sent >= 0) (void)nl_recvmsgs_default(requests_);
}

void Netlink::look_again(const nlmsghdr* header) {
    if (static_cast<const rtgenmsg*>(nlmsg_data(header))->rtgen_family != AF_INET6) return;
    if (const int ifindex = interface_of(header); ifindex > 0) to_ask_.insert(ifindex);
}

Result<void> Netlink::dump() {
    return feed_->dump();
}

void Netlink::begin_dump(int type) {
    dumping_ = true;
    dumped_.clear();
    if (type == RTM_GETLINK) links_.doubt();
    if (type == RTM_GETADDR) addresses_.doubt();
    if (type == RTM_GETNEIGH) neighbors_.doubt();
}

void Netlink::end_dump(int type, bool complete) {
    dumping_ = false;
    // First of all what is gone: an interface may have a successor of the same name.
    if (complete && type == RTM_GETLINK) {
        for (const auto& [ifindex, name] : links_.sweep())
            handlers_.link({.ifindex = ifindex, .name = name, .gone = true, .mac = {}});
    }
    if (complete && type == RTM_GETADDR) {
        for (const auto& [host, none] : addresses_.sweep())
            handlers_.address({.ifindex = host.first, .address = host.second, .gone = true});
    }
    if (complete && type == RTM_GETNEIGH) {
        for (const auto& [host, none] : neighbors_.sweep())
            handlers_.neighbor({.ifindex = host.first, .address = host.second, .mac = {}, .gone = true});
    }
    for (const auto& change : std::exchange(dumped_, {})) change();
}

void Netlink::tell(std::function<void()> change) {
    if (dumping_) {
        dumped_.push_back(std::move(change));
    } else {
        change();
    }
}

unsigned Netlink::look_up(int ifindex, const Address& address) {
    entry_state_ = 0;
    nl_msg* message = about_neighbor(RTM_GETNEIGH, 0, ifindex, address);
    if (message == nullptr) return 0;
    ask(message);  // an error means that there is no entry
    return entry_state_;
}

/// As if the kernel had a packet for a neighbor that it has no entry for: it makes one, and asks by ARP. NLM_F_EXCL: an
/// entry that somebody makes meanwhile stays as it is.
void Netlink::use(int ifindex, const Address& address) {
    if (nl_msg* message =
            about_neighbor(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifindex, address, NTF_USE);
        message != nullptr)
        ask(message);
}

void Netlink::resolve_v4(int ifindex, const Address& address, unsigned state) {
    if (state == NUD_NONE) use(ifindex, address);
    arp_->ask(ifindex, address);
}

void Netlink::resolve(int ifindex, const Address& address) {
    const auto state = look_up(ifindex, address);
    constexpr unsigned kLeftAlone = NUD_PERMANENT | NUD_NOARP | NUD_INCOMPLETE;  // the kernel asks by itself, or nobody
    if ((state & kLeftAlone) != 0) return;
    if (address.is_v4()) return resolve_v4(ifindex, address, state);
    if (status_of(state) == NeighborStatus::usable) {
        solicitor_->to_group(ifindex, address);
    } else {
        solicitor_->to_neighbor(ifindex, address);
    }
}

int Netlink::on_entry(nl_msg* message, void* self) {
    auto* header = nlmsg_hdr(message);
    auto* netlink = static_cast<Netlink*>(self);
    if (header->nlmsg_type == RTM_NEWLINK) netlink->on_link(header);
    if (header->nlmsg_type != RTM_NEWNEIGH) return NL_OK;
    netlink->entry_state_ = static_cast<const ndmsg*>(nlmsg_data(header))->ndm_state;
    // A failure is old news: what is asked for now may end otherwise.
    if (status_of(netlink->entry_state_) == NeighborStatus::usable) netlink->on_neighbor(header);
    return NL_OK;
}

void Netlink::on_message(nlmsghdr* header) {
    switch (header->nlmsg_type) {
        case RTM_NEWNETCONF:
        case RTM_DELNETCONF:
            look_again(header);
            break;
        case RTM_NEWLINK:
        case RTM_DELLINK:
            look_again(header);
            on_link(header);
            break;
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
            on_neighbor(header);
            break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
            if (header->nlmsg_type == RTM_DELADDR) look_again(header);
            on_address(header);
            break;
        default:
            break;
    }
}

void Netlink::on_link(nlmsghdr* header) {
    std::array<nlattr*, IFLA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ifinfomsg), attributes.data(), IFLA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
    if (info->ifi_family != AF_UNSPEC || attributes[IFLA_IFNAME] == nullptr) return;  // bridge ports and the like
    const bool gone = header->nlmsg_type == RTM_DELLINK;
    const bool up = (info->ifi_flags & IFF_UP) != 0;
    LinkChange change{.ifindex = info->ifi_index,
                      .name = nla_get_string(attributes[IFLA_IFNAME]),
                      .gone = gone,
                      .up = up && !gone,
                      .running = up && (info->ifi_flags & kLowerUp) != 0,
                      .ip_off = is_ip_off(attributes[IFLA_AF_SPEC]),
                      .mtu = attributes[IFLA_MTU] != nullptr ? nla_get_u32(attributes[IFLA_MTU]) : 0,
                      .mac = mac_of(attributes[IFLA_ADDRESS]),
                      .kind = std::string(kind_of(attributes[IFLA_LINKINFO])),
                      .parent = attributes[IFLA_LINK] != nullptr ? nla_get_s32(attributes[IFLA_LINK]) : 0,
                      .xdp_program = xdp_program_of(attributes[IFLA_XDP]),
                      .ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK};
    if (gone) {
        links_.gone(change.ifindex);
    } else {
        links_.present(change.ifindex, change.name);
    }
    tell([this, change = std::move(change)] { handlers_.link(change); });
}

void Netlink::on_neighbor(nlmsghdr* header) {
    std::array<nlattr*, NDA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ndmsg), attributes.data(), NDA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ndmsg*>(nlmsg_data(header));
    const auto address = address_in(attributes[NDA_DST], info->ndm_family);
    if (!address) return;
    const bool gone = header->nlmsg_type == RTM_DELNEIGH;
    // A deleted entry (garbage collected, or flushed) is no failure: nothing is known any more.
    const auto status = gone ? NeighborStatus::unknown : status_of(info->ndm_state);
    const NeighborChange change{.ifindex = info->ndm_ifindex,
                                .address = *address,
                                .status = status,
                                .mac = status == NeighborStatus::usable ? mac_of(attributes[NDA_LLADDR]) : std::nullopt,
                                .gone = gone};
    if (gone) {
        neighbors_.gone({change.ifindex, change.address});
    } else {
        neighbors_.present({change.ifindex, change.address}, {});
    }
    tell([this, change] { handlers_.neighbor(change); });
}

void Netlink::on_address(nlmsghdr* header) {
    std::array<nlattr*, IFA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ifaddrmsg), attributes.data(), IFA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(header));
    auto* local = attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
    const auto address = address_in(local, info->ifa_family);
    if (!address) return;
    // A duplicate stays on its interface, and the kernel takes no packets for it (RFC 4862, 5.4.5).
    const AddressChange change{.ifindex = static_cast<int>(info->ifa_index),
                               .address = *address,
                               .gone = header->nlmsg_type == RTM_DELADDR || (info->ifa_flags & IFA_F_DADFAILED) != 0};
    if (change.gone) {
        addresses_.gone({change.ifindex, change.address});
    } else {
        addresses_.present({change.ifindex, change.address}, {});
    }
    tell([this, change] { handlers_.address(change); });
}

}  // namespace sidestep
