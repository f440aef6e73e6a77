// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads routes from rtnetlink messages.
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "detector/kernel/address_attributes.hpp"
#include "detector/kernel/route_message.hpp"
#include "detector/kernel/route_words.hpp"

namespace sidestep {
namespace {

nlattr* inner(nlattr* nest, int type) {
    return nest == nullptr ? nullptr : nla_find(static_cast<nlattr*>(nla_data(nest)), nla_len(nest), type);
}

unsigned u32_in(nlattr* attribute) {
    return attribute == nullptr ? 0 : nla_get_u32(attribute);
}

unsigned u8_in(nlattr* attribute) {
    return attribute == nullptr ? 0 : nla_get_u8(attribute);
}

std::string program_text(nlattr* encap) {
    std::string text = "bpf";
    for (const auto& [type, name] : {std::pair{LWT_BPF_IN, "in"}, {LWT_BPF_OUT, "out"}, {LWT_BPF_XMIT, "xmit"}}) {
        auto* program = inner(encap, type);
        if (program == nullptr) continue;
        auto* label = inner(program, LWT_BPF_PROG_NAME);
        text += fmt::format(" {} {}", name, label == nullptr ? "" : nla_get_string(label));
    }
    return text;
}

std::string sid_text(nlattr* encap) {
    auto* flavors = inner(encap, SEG6_LOCAL_FLAVORS);
    return sid_text(u32_in(inner(encap, SEG6_LOCAL_ACTION)), address_in(inner(encap, SEG6_LOCAL_NH6), AF_INET6),
                    static_cast<int>(u32_in(inner(encap, SEG6_LOCAL_OIF))),
                    flavor_text(u32_in(inner(flavors, SEG6_LOCAL_FLV_OPERATION)),
                                u8_in(inner(flavors, SEG6_LOCAL_FLV_LCBLOCK_BITS)),
                                u8_in(inner(flavors, SEG6_LOCAL_FLV_LCNODE_FN_BITS))));
}

std::string encap_text(nlattr* type, nlattr* encap) {
    if (type == nullptr) return {};
    switch (nla_get_u16(type)) {
        case LWTUNNEL_ENCAP_NONE:
            return {};
        case LWTUNNEL_ENCAP_BPF:
            return program_text(encap);
        case LWTUNNEL_ENCAP_SEG6_LOCAL:
            return sid_text(encap);
        default:
            return fmt::format("type {}", nla_get_u16(type));
    }
}

std::string kind_text(unsigned char type) {
    switch (type) {
        case RTN_UNICAST:
            return {};
        case RTN_UNREACHABLE:
            return "unreachable ";
        case RTN_BLACKHOLE:
            return "blackhole ";
        default:
            return fmt::format("type {} ", type);
    }
}

/// True if a RouteKey identifies the route. It does not identify IPv4 routes for a certain TOS.
bool is_plain(const rtmsg& header, unsigned table) {
    const bool family = header.rtm_family == AF_INET6 || (header.rtm_family == AF_INET && header.rtm_tos == 0);
    return family && header.rtm_src_len == 0 && table == RT_TABLE_MAIN && (header.rtm_flags & RTM_F_CLONED) == 0;
}

/// A route of a former version is to be replaced, so its text never equals what is wanted.
std::string former(unsigned char protocol) {
    return protocol == kFormerProtocol ? fmt::format(" proto {}", kFormerProtocol) : std::string();
}

}  // namespace

std::optional<SeenRoute> seen_route(nlmsghdr* header) {
    if (header->nlmsg_type != RTM_NEWROUTE) return std::nullopt;
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(rtmsg), attributes.data(), RTA_MAX, nullptr) < 0) return std::nullopt;
    const auto& route = *static_cast<const rtmsg*>(nlmsg_data(header));
    const auto table = attributes[RTA_TABLE] == nullptr ? route.rtm_table : u32_in(attributes[RTA_TABLE]);
    if (!is_plain(route, table)) return std::nullopt;
    RouteWords words{
        .key = {.prefix = destination_in(route, attributes[RTA_DST]), .metric = u32_in(attributes[RTA_PRIORITY])},
        .kind = kind_text(route.rtm_type),
        .ifindex = static_cast<int>(u32_in(attributes[RTA_OIF])),
        .via = gateway_in(attributes[RTA_GATEWAY], attributes[RTA_VIA], route.rtm_family),
        .encap = encap_text(attributes[RTA_ENCAP_TYPE], attributes[RTA_ENCAP]),
        .mtu = u32_in(inner(attributes[RTA_METRICS], RTAX_MTU))};
    if (attributes[RTA_MULTIPATH] != nullptr) words.kind += "multipath ";
    return SeenRoute{.key = words.key,
                     .protocol = route.rtm_protocol,
                     .ours = is_ours(route, attributes[RTA_PREF]),
                     .text = words.text() + former(route.rtm_protocol)};
}

}  // namespace sidestep
