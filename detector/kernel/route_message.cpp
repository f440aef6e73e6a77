// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes rtnetlink messages that install or remove routes.
#include "detector/kernel/route_message.hpp"

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cstring>

#include "detector/kernel/route_words.hpp"

namespace sidestep {
namespace {

std::uint8_t own_length(const Prefix& prefix) {
    return is_v4(prefix) ? static_cast<std::uint8_t>(prefix.length - kMappedBits) : prefix.length;
}

void put_address(nl_msg* message, int type, const Address& address) {
    if (address.is_v4()) {
        nla_put(message, type, 4, address.bytes.data() + 12);
    } else {
        nla_put(message, type, 16, address.bytes.data());
    }
}

void put_key(nl_msg* message, const RouteKey& key) {
    if (is_v4(key.prefix)) {
        nla_put(message, RTA_DST, 4, key.prefix.address.bytes.data() + 12);
    } else {
        nla_put(message, RTA_DST, 16, key.prefix.address.bytes.data());
    }
    if (key.metric != 0) nla_put_u32(message, RTA_PRIORITY, key.metric);
}

/// RTA_GATEWAY has the route's own family; another family needs RTA_VIA: the family, then the address.
void put_gateway(nl_msg* message, const Prefix& prefix, const Address& via) {
    if (is_v4(prefix) == via.is_v4()) {
        put_address(message, RTA_GATEWAY, via);
        return;
    }
    std::array<std::uint8_t, sizeof(rtvia) + 16> bytes{};
    const std::uint16_t family = AF_INET6;
    std::memcpy(bytes.data(), &family, sizeof family);
    std::memcpy(bytes.data() + sizeof(rtvia), via.bytes.data(), via.bytes.size());
    nla_put(message, RTA_VIA, bytes.size(), bytes.data());
}

void put_mtu(nl_msg* message, const Prefix& prefix, unsigned mtu) {
    auto* metrics = nla_nest_start(message, RTA_METRICS);
    // IPv6 forwarding uses only locked MTUs; for IPv4, the lock would clear DF on local packets.
    if (!is_v4(prefix)) nla_put_u32(message, RTAX_LOCK, 1U << RTAX_MTU);
    nla_put_u32(message, RTAX_MTU, mtu);
    nla_nest_end(message, metrics);
}

rtmsg header_of(const Prefix& prefix) {
    rtmsg header{};
    header.rtm_family = is_v4(prefix) ? AF_INET : AF_INET6;
    header.rtm_dst_len = own_length(prefix);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = kRouteProtocol;
    return header;
}

void put_encap(nl_msg* /*message*/, const DeviceRoute& /*route*/) {}

void put_encap(nl_msg* message, const ProgramRoute& route) {
    nla_put_u16(message, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_BPF);
    auto* encap = nla_nest_start(message, RTA_ENCAP);
    auto* program = nla_nest_start(message, route.hook == ProgramHook::in ? LWT_BPF_IN : LWT_BPF_XMIT);
    nla_put_u32(message, LWT_BPF_PROG_FD, static_cast<std::uint32_t>(route.program_fd));
    nla_put_string(message, LWT_BPF_PROG_NAME, program_name(route).c_str());
    nla_nest_end(message, program);
    nla_nest_end(message, encap);
    if (route.via) put_gateway(message, route.prefix, *route.via);
    if (route.mtu != 0) put_mtu(message, route.prefix, route.mtu);
}

void put_flavors(nl_msg* message, const SidRoute& route) {
    const auto bits = flavor_bits(route);
    if (bits == 0) return;
    auto* flavors = nla_nest_start(message, SEG6_LOCAL_FLAVORS);
    nla_put_u32(message, SEG6_LOCAL_FLV_OPERATION, bits);
    if (route.next_csid) {
        nla_put_u8(message, SEG6_LOCAL_FLV_LCBLOCK_BITS, static_cast<std::uint8_t>(route.block_bits));
        nla_put_u8(message, SEG6_LOCAL_FLV_LCNODE_FN_BITS, static_cast<std::uint8_t>(route.function_bits));
    }
    nla_nest_end(message, flavors);
}

void put_encap(nl_msg* message, const SidRoute& route) {
    nla_put_u16(message, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6_LOCAL);
    auto* encap = nla_nest_start(message, RTA_ENCAP);
    nla_put_u32(message, SEG6_LOCAL_ACTION, route.neighbor ? SEG6_LOCAL_ACTION_END_X : SEG6_LOCAL_ACTION_END);
    if (route.neighbor) {
        nla_put(message, SEG6_LOCAL_NH6, 16, route.neighbor->bytes.data());
        if (route.neighbor->is_link_local()) {
            nla_put_u32(message, SEG6_LOCAL_OIF, static_cast<std::uint32_t>(route.neighbor_ifindex));
        }
    }
    put_flavors(message, route);
    nla_nest_end(message, encap);
}

}  // namespace

NlMessage new_route(const RouteSpec& spec, int flags) {
    const auto key = key_of(spec);
    const int ifindex = std::visit([](const auto& route) { return route.ifindex; }, spec);
    auto header = header_of(key.prefix);
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope = kRouteScope;
    auto message = rtnl_message(RTM_NEWROUTE, NLM_F_CREATE | flags, header);
    put_key(message.get(), key);
    put_mark(message.get(), key.prefix);
    nla_put_u32(message.get(), RTA_OIF, static_cast<std::uint32_t>(ifindex));
    std::visit([&](const auto& route) { put_encap(message.get(), route); }, spec);
    return message;
}

NlMessage delete_route(const RouteKey& key, unsigned char protocol) {
    auto header = header_of(key.prefix);
    header.rtm_scope = RT_SCOPE_NOWHERE;  // any
    header.rtm_protocol = protocol;
    auto message = rtnl_message(RTM_DELROUTE, 0, header);
    put_key(message.get(), key);
    return message;
}

NlMessage ask_route(const Address& destination, unsigned flags) {
    const bool v4 = destination.is_v4();
    rtmsg header{};
    header.rtm_family = v4 ? AF_INET : AF_INET6;
    header.rtm_dst_len = v4 ? 32 : 128;
    header.rtm_flags = flags;
    auto message = rtnl_message(RTM_GETROUTE, 0, header);
    put_address(message.get(), RTA_DST, destination);
    return message;
}

NlMessage dump_routes(int family, unsigned char protocol) {
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    header.rtm_protocol = protocol;
    return rtnl_message(RTM_GETROUTE, NLM_F_DUMP, header);
}

}  // namespace sidestep
