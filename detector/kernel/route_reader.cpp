// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_reader.hpp"

#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "detector/kernel/address_attributes.hpp"
#include "detector/kernel/route_message.hpp"

namespace sidestep {
namespace {

template <int kMost>
using Attributes = std::array<nlattr*, kMost + 1>;

/// All zeros if the route is on the link.
Address gateway_of(nlattr* gateway, nlattr* via, int family) {
    return gateway_in(gateway, via, family).value_or(Address{});
}

std::vector<RouteHop> several_hops(nlattr* multipath, int family) {
    std::vector<RouteHop> hops;
    auto* next = static_cast<rtnexthop*>(nla_data(multipath));
    int left = nla_len(multipath);
    while (left >= static_cast<int>(sizeof *next) && RTNH_OK(next, left)) {  // it reads before it looks at `left`
        Attributes<RTA_MAX> attributes{};
        auto* first = reinterpret_cast<nlattr*>(RTNH_DATA(next));
        const int length = next->rtnh_len - static_cast<int>(RTNH_LENGTH(0));
        const bool used = (next->rtnh_flags & RTNH_F_DEAD) == 0;
        if (used && nla_parse(attributes.data(), RTA_MAX, first, length, nullptr) == 0) {
            hops.push_back({.ifindex = next->rtnh_ifindex,
                            .gateway = gateway_of(attributes[RTA_GATEWAY], attributes[RTA_VIA], family)});
        }
        left -= static_cast<int>(RTNH_ALIGN(next->rtnh_len));
        next = RTNH_NEXT(next);
    }
    return hops;
}

/// Stands for what a packet must have for a route that is not for all; 0 if it is.
std::uint32_t selector_of(const rtmsg& route, nlattr* source) {
    if (route.rtm_src_len == 0 && route.rtm_tos == 0) return 0;
    std::uint32_t hash = 2166136261U;  // FNV-1a
    const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * 16777619U; };
    add(route.rtm_src_len);
    add(route.rtm_tos);
    for (const auto byte : address_in(source, route.rtm_family).value_or(Address{}).bytes) add(byte);
    return std::max(hash, 1U);
}

/// What happens to links is right for it: a connected route, one of ours, or one that forwards nothing.
bool is_fixed(const rtmsg& route) {
    return route.rtm_type != RTN_UNICAST || route.rtm_protocol == RTPROT_KERNEL ||
           route.rtm_protocol == kFormerProtocol;
}

/// None for what decides nothing about a packet that may be forwarded: groups, broadcasts, and, in a table that the kernel
/// fills itself, ways to next hops.
std::optional<RouteKind> kind_of(const rtmsg& route, unsigned table, bool ours) {
    switch (route.rtm_type) {
        case RTN_UNICAST:
            if (table == RT_TABLE_LOCAL) return std::nullopt;
            if (ours) return RouteKind::other;
            return route.rtm_protocol == RTPROT_KERNEL ? RouteKind::connected : RouteKind::forwards;
        case RTN_LOCAL:
        case RTN_BLACKHOLE:
        case RTN_UNREACHABLE:
        case RTN_PROHIBIT:
            return RouteKind::ends;
        case RTN_ANYCAST:
        case RTN_MULTICAST:
        case RTN_BROADCAST:
            return std::nullopt;
        default:
            return RouteKind::other;
    }
}

bool has_any(const Attributes<FRA_MAX>& attributes, std::initializer_list<int> types) {
    return std::ranges::any_of(types,
                               [&](int type) { return attributes.at(static_cast<std::size_t>(type)) != nullptr; });
}

}  // namespace

std::optional<RouteChange> read_route(nlmsghdr* header) {
    Attributes<RTA_MAX> attributes{};
    if (nlmsg_parse(header, sizeof(rtmsg), attributes.data(), RTA_MAX, nullptr) < 0) return std::nullopt;
    const auto& route = *static_cast<const rtmsg*>(nlmsg_data(header));
    const bool v4 = route.rtm_family == AF_INET;
    if ((!v4 && route.rtm_family != AF_INET6) || (route.rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
    const unsigned table = attributes[RTA_TABLE] != nullptr ? nla_get_u32(attributes[RTA_TABLE]) : route.rtm_table;
    const auto kind = kind_of(route, table, is_ours(route, attributes[RTA_PREF]));
    if (!kind) return std::nullopt;
    RouteChange change{.prefix = destination_in(route, attributes[RTA_DST]),
                       .metric = attributes[RTA_PRIORITY] != nullptr ? nla_get_u32(attributes[RTA_PRIORITY]) : 0,
                       .hops = {},
                       .gone = header->nlmsg_type == RTM_DELROUTE,
                       .table = table,
                       .selector = selector_of(route, attributes[RTA_SRC]),
                       .nexthop = attributes[RTA_NH_ID] != nullptr ? nla_get_u32(attributes[RTA_NH_ID]) : 0,
                       .fixed = is_fixed(route),
                       .kind = *kind};
    if (change.fixed) change.nexthop = 0;
    if (attributes[RTA_MULTIPATH] != nullptr) {
        change.hops = several_hops(attributes[RTA_MULTIPATH], route.rtm_family);
    } else if (attributes[RTA_OIF] != nullptr && (change.gone || (route.rtm_flags & RTNH_F_DEAD) == 0)) {
        change.hops = {{.ifindex = static_cast<int>(nla_get_u32(attributes[RTA_OIF])),
                        .gateway = gateway_of(attributes[RTA_GATEWAY], attributes[RTA_VIA], route.rtm_family)}};
    }
    return change;
}

std::optional<NextHopChange> read_nexthop(nlmsghdr* header) {
    Attributes<NHA_MAX> attributes{};
    if (nlmsg_parse(header, sizeof(nhmsg), attributes.data(), NHA_MAX, nullptr) < 0) return std::nullopt;
    if (attributes[NHA_ID] == nullptr) return std::nullopt;
    const auto& nexthop = *static_cast<const nhmsg*>(nlmsg_data(header));
    NextHopChange change{
        .id = nla_get_u32(attributes[NHA_ID]), .hops = {}, .members = {}, .gone = header->nlmsg_type == RTM_DELNEXTHOP};
    if (auto* group = attributes[NHA_GROUP]; group != nullptr) {
        const auto count = static_cast<std::size_t>(nla_len(group)) / sizeof(nexthop_grp);
        const auto* members = static_cast<const nexthop_grp*>(nla_data(group));
        for (std::size_t i = 0; i < count; ++i) change.members.push_back(members[i].id);
    } else if (attributes[NHA_OIF] != nullptr && (nexthop.nh_flags & RTNH_F_DEAD) == 0) {
        change.hops = {{.ifindex = static_cast<int>(nla_get_u32(attributes[NHA_OIF])),
                        .gateway = gateway_of(attributes[NHA_GATEWAY], nullptr, nexthop.nh_family)}};
    }
    return change;
}

std::optional<SeenRule> read_rule(nlmsghdr* header) {
    Attributes<FRA_MAX> attributes{};
    if (nlmsg_parse(header, sizeof(fib_rule_hdr), attributes.data(), FRA_MAX, nullptr) < 0) return std::nullopt;
    const auto& rule = *static_cast<const fib_rule_hdr*>(nlmsg_data(header));
    if (rule.action != FR_ACT_TO_TBL || (rule.family != AF_INET && rule.family != AF_INET6)) return std::nullopt;
    SeenRule seen{.family = rule.family == AF_INET ? RouteFamily::v4 : RouteFamily::v6,
                  .table = attributes[FRA_TABLE] != nullptr ? nla_get_u32(attributes[FRA_TABLE]) : rule.table,
                  .reach = Reach::always,
                  .vrfs = false};
    if (attributes[FRA_L3MDEV] != nullptr && nla_get_u8(attributes[FRA_L3MDEV]) != 0) {
        seen.reach = Reach::never;
        seen.vrfs = true;
    } else if (rule.src_len != 0 || rule.dst_len != 0 || rule.tos != 0 || (rule.flags & FIB_RULE_INVERT) != 0 ||
               has_any(attributes, {FRA_IIFNAME, FRA_OIFNAME, FRA_FWMARK, FRA_TUN_ID, FRA_UID_RANGE, FRA_IP_PROTO,
                                    FRA_SPORT_RANGE, FRA_DPORT_RANGE})) {
        seen.reach = Reach::selected;
    }
    return seen;
}

}  // namespace sidestep
