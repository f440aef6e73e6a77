// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Converts route messages to values, attribute by attribute.
#include "detector/kernel/route_watch.hpp"

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rtnl.h>
#include <netlink/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "detector/kernel/route_message.hpp"

namespace sidestep {
namespace {

constexpr int kReceiveBuffer = 8 << 20;
constexpr std::size_t kV4At = 12;  // in the IPv4-mapped form

std::unexpected<Error> failure(const std::string& what, int error) {
    return fail(what + ": " + nl_geterror(error));
}

Address address_of(nlattr* attribute, int family) {
    Address result;
    if (family == AF_INET) result.bytes[10] = result.bytes[11] = 0xff;
    const std::size_t at = family == AF_INET ? kV4At : 0;
    if (attribute != nullptr) {
        const auto length = std::min<std::size_t>(static_cast<std::size_t>(nla_len(attribute)), 16 - at);
        std::memcpy(result.bytes.data() + at, nla_data(attribute), length);
    }
    return result;
}

/// RTA_GATEWAY, or RTA_VIA with a family of its own (RFC 5549); all zeros if neither is present.
Address gateway_of(nlattr* gateway, nlattr* via, int family) {
    if (gateway != nullptr) return address_of(gateway, family);
    Address result;
    if (via == nullptr || nla_len(via) != static_cast<int>(sizeof(rtvia) + result.bytes.size())) return result;
    std::memcpy(result.bytes.data(), static_cast<const std::uint8_t*>(nla_data(via)) + sizeof(rtvia),
                result.bytes.size());
    return result;
}

std::vector<RouteHop> several_hops(nlattr* multipath, int family) {
    std::vector<RouteHop> hops;
    auto* next = static_cast<rtnexthop*>(nla_data(multipath));
    int left = nla_len(multipath);
    while (RTNH_OK(next, left)) {
        std::array<nlattr*, RTA_MAX + 1> attributes{};
        auto* first = reinterpret_cast<nlattr*>(RTNH_DATA(next));
        const int length = next->rtnh_len - static_cast<int>(RTNH_LENGTH(0));
        if (nla_parse(attributes.data(), RTA_MAX, first, length, nullptr) == 0) {
            hops.push_back({.ifindex = next->rtnh_ifindex,
                            .gateway = gateway_of(attributes[RTA_GATEWAY], attributes[RTA_VIA], family)});
        }
        left -= static_cast<int>(RTNH_ALIGN(next->rtnh_len));
        next = RTNH_NEXT(next);
    }
    return hops;
}

/// None for what decides nothing about a packet that may be forwarded: groups, broadcasts, rules that are to go on.
std::optional<RouteKind> kind_of(const rtmsg& route, unsigned table) {
    switch (route.rtm_type) {
        case RTN_UNICAST:
            if (table != RT_TABLE_MAIN) return std::nullopt;
            return route.rtm_protocol == RTPROT_KERNEL ? RouteKind::connected : RouteKind::forwards;
        case RTN_LOCAL:
        case RTN_BLACKHOLE:
        case RTN_UNREACHABLE:
        case RTN_PROHIBIT:
            return RouteKind::ends;
        default:
            return std::nullopt;
    }
}

/// None if the message is not a route of others that packets may take.
std::optional<RouteChange> change_of(nlmsghdr* header) {
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(rtmsg), attributes.data(), RTA_MAX, nullptr) < 0) return std::nullopt;
    const auto* route = static_cast<const rtmsg*>(nlmsg_data(header));
    const bool v4 = route->rtm_family == AF_INET;
    if (!v4 && route->rtm_family != AF_INET6) return std::nullopt;
    const unsigned table = attributes[RTA_TABLE] != nullptr ? nla_get_u32(attributes[RTA_TABLE]) : route->rtm_table;
    const auto kind = kind_of(*route, table);
    if ((table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL) || !kind || (route->rtm_flags & RTM_F_CLONED) != 0 ||
        route->rtm_protocol == kRouteProtocol) {
        return std::nullopt;
    }
    const auto length = static_cast<std::uint8_t>(route->rtm_dst_len + (v4 ? 96 : 0));
    RouteChange change{.prefix = Prefix::covering(address_of(attributes[RTA_DST], route->rtm_family), length),
                       .metric = attributes[RTA_PRIORITY] != nullptr ? nla_get_u32(attributes[RTA_PRIORITY]) : 0,
                       .hops = {},
                       .gone = header->nlmsg_type == RTM_DELROUTE,
                       .kind = *kind};
    if (attributes[RTA_MULTIPATH] != nullptr) {
        change.hops = several_hops(attributes[RTA_MULTIPATH], route->rtm_family);
    } else if (attributes[RTA_OIF] != nullptr) {
        change.hops = {{.ifindex = static_cast<int>(nla_get_u32(attributes[RTA_OIF])),
                        .gateway = gateway_of(attributes[RTA_GATEWAY], attributes[RTA_VIA], route->rtm_family)}};
    }
    return change;
}

}  // namespace

Result<std::unique_ptr<RouteWatch>> RouteWatch::open(Handler handler) {
    std::unique_ptr<RouteWatch> watch(new RouteWatch(std::move(handler)));
    if (auto connected = watch->connect(); !connected) return std::unexpected(connected.error());
    return watch;
}

Result<void> RouteWatch::connect() {
    events_ = nl_socket_alloc();
    dumps_ = nl_socket_alloc();
    if (events_ == nullptr || dumps_ == nullptr) return fail("no memory for netlink sockets");
    nl_socket_disable_seq_check(events_);
    for (auto* socket : {events_, dumps_}) {
        nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, &RouteWatch::on_message, this);
        if (const int error = nl_connect(socket, NETLINK_ROUTE); error < 0) return failure("rtnetlink", error);
    }
    nl_socket_set_buffer_size(events_, kReceiveBuffer, 0);
    nl_socket_set_nonblocking(events_);
    const int error = nl_socket_add_memberships(events_, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_ROUTE, RTNLGRP_NONE);
    if (error < 0) return failure("rtnetlink groups", error);
    return {};
}

RouteWatch::~RouteWatch() {
    nl_socket_free(events_);
    nl_socket_free(dumps_);
}

int RouteWatch::fd() const {
    return nl_socket_get_fd(events_);
}

bool RouteWatch::read(int most) {
    for (int i = 0; i < most; ++i) {
        const int result = nl_recvmsgs_default(events_);
        if (result >= 0) continue;
        if (result != -NLE_AGAIN) (void)dump();  // messages were lost
        return true;
    }
    return false;
}

Result<void> RouteWatch::dump() {
    if (const int error = nl_rtgen_request(dumps_, RTM_GETROUTE, AF_UNSPEC, NLM_F_DUMP); error < 0) {
        return failure("dump of routes", error);
    }
    if (const int error = nl_recvmsgs_default(dumps_); error < 0) return failure("dump of routes", error);
    return {};
}

int RouteWatch::on_message(nl_msg* message, void* self) {
    auto* header = nlmsg_hdr(message);
    if (header->nlmsg_type != RTM_NEWROUTE && header->nlmsg_type != RTM_DELROUTE) return NL_OK;
    if (const auto change = change_of(header)) static_cast<RouteWatch*>(self)->handler_(*change);
    return NL_OK;
}

}  // namespace sidestep
