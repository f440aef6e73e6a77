// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// rtnetlink messages to values. Attributes are read directly: libnl's route objects know less than we ask for.
#include "detector/kernel/netlink.hpp"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rtnl.h>
#include <netlink/socket.h>

#include <array>
#include <cstring>
#include <utility>

namespace sidestep {
namespace {

constexpr int kReceiveBuffer = 4 << 20;

std::optional<MacAddress> mac_of(nlattr* attribute) {
    MacAddress mac{};
    if (attribute == nullptr || nla_len(attribute) != static_cast<int>(mac.size())) return std::nullopt;
    std::memcpy(mac.data(), nla_data(attribute), mac.size());
    return mac;
}

std::optional<Address> address_of(nlattr* attribute, int family) {
    if (attribute == nullptr) return std::nullopt;
    if (family == AF_INET6 && nla_len(attribute) == 16) {
        in6_addr raw{};
        std::memcpy(&raw, nla_data(attribute), sizeof raw);
        return Address::from(raw);
    }
    if (family == AF_INET && nla_len(attribute) == 4) {
        Address result;
        result.bytes[10] = result.bytes[11] = 0xff;
        std::memcpy(result.bytes.data() + 12, nla_data(attribute), 4);
        return result;
    }
    return std::nullopt;
}

NeighborStatus status_of(unsigned state) {
    constexpr unsigned kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
    if ((state & kUsable) != 0) return NeighborStatus::usable;
    if ((state & NUD_FAILED) != 0) return NeighborStatus::failed;
    return NeighborStatus::unknown;
}

std::unexpected<Error> netlink_failure(const std::string& what, int error) {
    return fail(what + ": " + nl_geterror(error));
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

/// The kind of a virtual interface; empty for others.
std::string_view kind_of(nlattr* link_info) {
    std::array<nlattr*, IFLA_INFO_MAX + 1> attributes{};
    if (link_info == nullptr || nla_parse_nested(attributes.data(), IFLA_INFO_MAX, link_info, nullptr) < 0) return "";
    auto* const kind = attributes[IFLA_INFO_KIND];
    return kind == nullptr ? std::string_view() : nla_get_string(kind);
}

}  // namespace

Result<std::unique_ptr<Netlink>> Netlink::open(NetlinkHandlers handlers) {
    std::unique_ptr<Netlink> netlink(new Netlink(std::move(handlers)));
    if (auto connected = netlink->connect(); !connected) return std::unexpected(connected.error());
    return netlink;
}

Result<void> Netlink::connect() {
    events_ = nl_socket_alloc();
    dumps_ = nl_socket_alloc();
    requests_ = nl_socket_alloc();
    if (events_ == nullptr || dumps_ == nullptr || requests_ == nullptr) return fail("no memory for netlink sockets");
    nl_socket_disable_seq_check(events_);
    nl_socket_disable_auto_ack(events_);
    nl_socket_modify_err_cb(
        events_, NL_CB_CUSTOM, [](auto*, auto*, void*) -> int { return NL_SKIP; }, nullptr);
    for (auto* socket : {events_, dumps_}) {
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, &Netlink::on_message, this);
        if (const int error = nl_connect(socket, NETLINK_ROUTE); error < 0) return netlink_failure("rtnetlink", error);
    }
    nl_socket_modify_cb(requests_, NL_CB_VALID, NL_CB_CUSTOM, &Netlink::on_entry, this);
    if (const int error = nl_connect(requests_, NETLINK_ROUTE); error < 0) return netlink_failure("rtnetlink", error);
    auto solicitor = Solicitor::open();
    if (!solicitor) return std::unexpected(solicitor.error());
    solicitor_ = std::move(*solicitor);
    nl_socket_set_buffer_size(events_, kReceiveBuffer, 0);
    nl_socket_set_nonblocking(events_);
    const int error =
        nl_socket_add_memberships(events_, RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_IFADDR,
                                  RTNLGRP_IPV6_IFINFO, RTNLGRP_IPV6_NETCONF, RTNLGRP_NONE);
    if (error < 0) return netlink_failure("rtnetlink groups", error);
    return {};
}

Netlink::~Netlink() {
    nl_socket_free(events_);
    nl_socket_free(dumps_);
    nl_socket_free(requests_);
}

int Netlink::fd() const {
    return nl_socket_get_fd(events_);
}

void Netlink::read() {
    int result = 0;
    do {
        result = nl_recvmsgs_default(events_);
    } while (result >= 0);
    if (result != -NLE_AGAIN) (void)dump();  // messages were lost
    ask_links();
}

/// The answers come as events do.
void Netlink::ask_links() {
    for (const int ifindex : std::exchange(to_ask_, {})) {
        ifinfomsg link{};
        link.ifi_index = ifindex;
        (void)nl_send_simple(events_, RTM_GETLINK, 0, &link, sizeof link);
    }
}

void Netlink::look_again(const nlmsghdr* header) {
    if (static_cast<const rtgenmsg*>(nlmsg_data(header))->rtgen_family != AF_INET6) return;
    if (const int ifindex = interface_of(header); ifindex > 0) to_ask_.insert(ifindex);
}

Result<void> Netlink::dump() {
    for (const auto type : {RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH}) {
        if (const int error = nl_rtgen_request(dumps_, type, AF_UNSPEC, NLM_F_DUMP); error < 0) {
            return netlink_failure("rtnetlink dump", error);
        }
        if (const int error = nl_recvmsgs_default(dumps_); error < 0) return netlink_failure("rtnetlink dump", error);
    }
    return {};
}

unsigned Netlink::look_up(int ifindex, const Address& address) {
    ndmsg neighbor{};
    neighbor.ndm_family = AF_INET6;
    neighbor.ndm_ifindex = ifindex;
    entry_state_ = 0;
    nl_msg* message = nlmsg_alloc_simple(RTM_GETNEIGH, NLM_F_REQUEST);
    if (message == nullptr) return 0;
    nlmsg_append(message, &neighbor, sizeof neighbor, NLMSG_ALIGNTO);
    nla_put(message, NDA_DST, static_cast<int>(address.bytes.size()), address.bytes.data());
    (void)nl_send_sync(requests_, message);  // frees the message; an error means that there is no entry
    return entry_state_;
}

void Netlink::resolve(int ifindex, const Address& address) {
    const auto state = look_up(ifindex, address);
    constexpr unsigned kLeftAlone = NUD_PERMANENT | NUD_NOARP | NUD_INCOMPLETE;  // the kernel asks by itself, or nobody
    if ((state & kLeftAlone) != 0) return;
    if (status_of(state) == NeighborStatus::usable) {
        solicitor_->to_group(ifindex, address);
    } else {
        solicitor_->to_neighbor(ifindex, address);
    }
}

int Netlink::on_entry(nl_msg* message, void* self) {
    auto* header = nlmsg_hdr(message);
    auto* netlink = static_cast<Netlink*>(self);
    if (header->nlmsg_type != RTM_NEWNEIGH) return NL_OK;
    netlink->entry_state_ = static_cast<const ndmsg*>(nlmsg_data(header))->ndm_state;
    // A failure is old news: what is asked for now may end otherwise.
    if (status_of(netlink->entry_state_) == NeighborStatus::usable) netlink->on_neighbor(header);
    return NL_OK;
}

int Netlink::on_message(nl_msg* message, void* self) {
    auto* header = nlmsg_hdr(message);
    auto* netlink = static_cast<Netlink*>(self);
    switch (header->nlmsg_type) {
        case RTM_NEWNETCONF:
        case RTM_DELNETCONF:
            netlink->look_again(header);
            break;
        case RTM_NEWLINK:
        case RTM_DELLINK:
            netlink->look_again(header);
            netlink->on_link(header);
            break;
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
            netlink->on_neighbor(header);
            break;
        case RTM_NEWADDR:
        case RTM_DELADDR:
            if (header->nlmsg_type == RTM_DELADDR) netlink->look_again(header);
            netlink->on_address(header);
            break;
        default:
            break;
    }
    return NL_OK;
}

void Netlink::on_link(nlmsghdr* header) const {
    std::array<nlattr*, IFLA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ifinfomsg), attributes.data(), IFLA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
    if (info->ifi_family != AF_UNSPEC || attributes[IFLA_IFNAME] == nullptr) return;  // bridge ports and the like
    handlers_.link({.ifindex = info->ifi_index,
                    .name = nla_get_string(attributes[IFLA_IFNAME]),
                    .gone = header->nlmsg_type == RTM_DELLINK,
                    .up = (info->ifi_flags & IFF_UP) != 0 && header->nlmsg_type != RTM_DELLINK,
                    .running = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_LOWER_UP) != 0,
                    .ip_off = is_ip_off(attributes[IFLA_AF_SPEC]),
                    .mtu = attributes[IFLA_MTU] != nullptr ? nla_get_u32(attributes[IFLA_MTU]) : 0,
                    .mac = mac_of(attributes[IFLA_ADDRESS]),
                    .kind = std::string(kind_of(attributes[IFLA_LINKINFO])),
                    .parent = attributes[IFLA_LINK] != nullptr ? nla_get_s32(attributes[IFLA_LINK]) : 0,
                    .xdp_program = xdp_program_of(attributes[IFLA_XDP]),
                    .ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK});
}

void Netlink::on_neighbor(nlmsghdr* header) const {
    std::array<nlattr*, NDA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ndmsg), attributes.data(), NDA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ndmsg*>(nlmsg_data(header));
    const auto address = address_of(attributes[NDA_DST], info->ndm_family);
    if (!address) return;
    // A deleted entry (garbage collected, or flushed) is no failure: nothing is known any more.
    const auto status = header->nlmsg_type == RTM_DELNEIGH ? NeighborStatus::unknown : status_of(info->ndm_state);
    handlers_.neighbor({.ifindex = info->ndm_ifindex,
                        .address = *address,
                        .status = status,
                        .mac = status == NeighborStatus::usable ? mac_of(attributes[NDA_LLADDR]) : std::nullopt});
}

void Netlink::on_address(nlmsghdr* header) const {
    std::array<nlattr*, IFA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(ifaddrmsg), attributes.data(), IFA_MAX, nullptr) < 0) return;
    const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(header));
    auto* local = attributes[IFA_LOCAL] != nullptr ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
    const auto address = address_of(local, info->ifa_family);
    if (address) {
        handlers_.address({.ifindex = static_cast<int>(info->ifa_index),
                           .address = *address,
                           .gone = header->nlmsg_type == RTM_DELADDR});
    }
}

}  // namespace sidestep
