// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_message.hpp"

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <array>
#include <utility>

#include <fmt/format.h>

namespace sidestep {
namespace {

constexpr std::uint8_t kMappedBits = 96;     // length of ::ffff:0:0/96
constexpr unsigned kDefaultMetricV6 = 1024;  // IP6_RT_PRIO_USER

/// A route as text: specs and kernel messages are both converted to it, so that they can be compared.
struct Words {
    RouteKey key;
    std::string kind{};  ///< "unreachable " and similar
    int ifindex = 0;
    std::optional<Address> via{};
    std::string encap{};
    unsigned mtu = 0;

    [[nodiscard]] std::string text() const {
        return fmt::format("{}{} metric {} dev {}{}{}{}", kind, key.prefix.to_string(), key.metric, ifindex,
                           via ? " via " + via->to_string() : "", mtu != 0 ? fmt::format(" mtu {}", mtu) : "",
                           encap.empty() ? "" : " encap " + encap);
    }
};

bool is_v4(const Prefix& prefix) {
    return prefix.length >= kMappedBits && prefix.address.is_v4();
}

std::uint8_t own_length(const Prefix& prefix) {
    return is_v4(prefix) ? static_cast<std::uint8_t>(prefix.length - kMappedBits) : prefix.length;
}

RouteKey make_key(const Prefix& prefix, unsigned metric) {
    return {.prefix = prefix, .metric = metric == 0 && !is_v4(prefix) ? kDefaultMetricV6 : metric};
}

// The kernel compares the programs of routes by name only, and lets IPv4 routes with equal next hops share one. So
// another program needs another name.
std::string program_name(const ProgramRoute& route) {
    return fmt::format("sidestep-{}", route.program_id);
}

const char* hook_name(ProgramHook hook) {
    return hook == ProgramHook::in ? "in" : "xmit";
}

unsigned flavor_bits(const SidRoute& route) {
    return (route.psp ? 1U << SEG6_LOCAL_FLV_OP_PSP : 0U) | (route.next_csid ? 1U << SEG6_LOCAL_FLV_OP_NEXT_CSID : 0U);
}

std::string flavor_text(unsigned bits, unsigned block_bits, unsigned function_bits) {
    if (bits == 0) return {};
    constexpr unsigned kPsp = 1U << SEG6_LOCAL_FLV_OP_PSP;
    constexpr unsigned kNext = 1U << SEG6_LOCAL_FLV_OP_NEXT_CSID;
    std::string text = " flavors";
    if ((bits & kPsp) != 0) text += " psp";
    if ((bits & kNext) != 0) text += fmt::format(" next-csid lblen {} nflen {}", block_bits, function_bits);
    if ((bits & ~(kPsp | kNext)) != 0) text += fmt::format(" {:#x}", bits & ~(kPsp | kNext));
    return text;
}

std::string sid_text(unsigned action, const std::optional<Address>& neighbor, int neighbor_ifindex,
                     const std::string& flavors) {
    std::string text = "seg6local ";
    if (action == SEG6_LOCAL_ACTION_END) {
        text += "End";
    } else if (action == SEG6_LOCAL_ACTION_END_X) {
        text += "End.X";
    } else {
        text += fmt::format("action {}", action);
    }
    if (neighbor) text += " nh6 " + neighbor->to_string();
    if (neighbor_ifindex != 0) text += fmt::format(" oif {}", neighbor_ifindex);
    return text + flavors;
}

Words words_of(const DeviceRoute& route) {
    return {.key = make_key(route.prefix, route.metric), .ifindex = route.ifindex};
}

Words words_of(const ProgramRoute& route) {
    return {.key = make_key(route.prefix, route.metric),
            .ifindex = route.ifindex,
            .via = route.via,
            .encap = fmt::format("bpf {} {}", hook_name(route.hook), program_name(route)),
            .mtu = route.mtu};
}

Words words_of(const SidRoute& route) {
    const auto action = route.neighbor ? SEG6_LOCAL_ACTION_END_X : SEG6_LOCAL_ACTION_END;
    const int out = route.neighbor && route.neighbor->is_link_local() ? route.neighbor_ifindex : 0;
    return {.key = make_key(route.sid, route.metric),
            .ifindex = route.ifindex,
            .encap = sid_text(action, route.neighbor, out,
                              flavor_text(flavor_bits(route), route.block_bits, route.function_bits))};
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

Address address_of(const void* bytes, int length) {
    Address address;
    if (length == 4) {
        address.bytes[10] = address.bytes[11] = 0xff;
        std::memcpy(address.bytes.data() + 12, bytes, 4);
    } else if (length == 16) {
        std::memcpy(address.bytes.data(), bytes, 16);
    }
    return address;
}

std::optional<Address> address_in(nlattr* attribute) {
    if (attribute == nullptr) return std::nullopt;
    return address_of(nla_data(attribute), nla_len(attribute));
}

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
    return sid_text(u32_in(inner(encap, SEG6_LOCAL_ACTION)), address_in(inner(encap, SEG6_LOCAL_NH6)),
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

std::optional<Address> gateway_of(nlattr* gateway, nlattr* via) {
    if (gateway != nullptr) return address_in(gateway);
    if (via == nullptr || nla_len(via) < static_cast<int>(sizeof(rtvia))) return std::nullopt;
    const auto* bytes = static_cast<const std::uint8_t*>(nla_data(via));
    return address_of(bytes + sizeof(rtvia), nla_len(via) - static_cast<int>(sizeof(rtvia)));
}

Prefix prefix_of(const rtmsg& header, nlattr* destination) {
    const bool v4 = header.rtm_family == AF_INET;
    const auto bytes = std::array<std::uint8_t, 4>{};  // a default route has no RTA_DST
    const auto none = v4 ? address_of(bytes.data(), 4) : Address{};
    const auto length = static_cast<std::uint8_t>(header.rtm_dst_len + (v4 ? kMappedBits : 0));
    return {.address = address_in(destination).value_or(none), .length = length};
}

/// True if a RouteKey identifies the route. It does not identify IPv4 routes for a certain TOS.
bool is_plain(const rtmsg& header, unsigned table) {
    const bool family = header.rtm_family == AF_INET6 || (header.rtm_family == AF_INET && header.rtm_tos == 0);
    return family && header.rtm_src_len == 0 && table == RT_TABLE_MAIN && (header.rtm_flags & RTM_F_CLONED) == 0;
}

}  // namespace

RouteKey key_of(const RouteSpec& spec) {
    return std::visit([](const auto& route) { return words_of(route).key; }, spec);
}

NlMessage new_route(const RouteSpec& spec, int flags) {
    const auto [key, ifindex] =
        std::visit([](const auto& route) { return std::pair(words_of(route).key, route.ifindex); }, spec);
    auto header = header_of(key.prefix);
    header.rtm_type = RTN_UNICAST;
    const auto* program = std::get_if<ProgramRoute>(&spec);
    header.rtm_scope = program != nullptr && program->via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    auto message = rtnl_message(RTM_NEWROUTE, NLM_F_CREATE | flags, header);
    put_key(message.get(), key);
    nla_put_u32(message.get(), RTA_OIF, static_cast<std::uint32_t>(ifindex));
    std::visit([&](const auto& route) { put_encap(message.get(), route); }, spec);
    return message;
}

NlMessage delete_route(const RouteKey& key) {
    auto header = header_of(key.prefix);
    header.rtm_scope = RT_SCOPE_NOWHERE;  // any
    auto message = rtnl_message(RTM_DELROUTE, 0, header);
    put_key(message.get(), key);
    return message;
}

NlMessage dump_routes(int family, bool ours_only) {
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    if (ours_only) header.rtm_protocol = kRouteProtocol;
    return rtnl_message(RTM_GETROUTE, NLM_F_DUMP, header);
}

std::optional<SeenRoute> seen_route(nlmsghdr* header) {
    if (header->nlmsg_type != RTM_NEWROUTE) return std::nullopt;
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (nlmsg_parse(header, sizeof(rtmsg), attributes.data(), RTA_MAX, nullptr) < 0) return std::nullopt;
    const auto& route = *static_cast<const rtmsg*>(nlmsg_data(header));
    const auto table = attributes[RTA_TABLE] == nullptr ? route.rtm_table : u32_in(attributes[RTA_TABLE]);
    if (!is_plain(route, table)) return std::nullopt;
    Words words{.key = {.prefix = prefix_of(route, attributes[RTA_DST]), .metric = u32_in(attributes[RTA_PRIORITY])},
                .kind = kind_text(route.rtm_type),
                .ifindex = static_cast<int>(u32_in(attributes[RTA_OIF])),
                .via = gateway_of(attributes[RTA_GATEWAY], attributes[RTA_VIA]),
                .encap = encap_text(attributes[RTA_ENCAP_TYPE], attributes[RTA_ENCAP]),
                .mtu = u32_in(inner(attributes[RTA_METRICS], RTAX_MTU))};
    if (attributes[RTA_MULTIPATH] != nullptr) words.kind += "multipath ";
    return SeenRoute{.key = words.key, .protocol = route.rtm_protocol, .text = words.text()};
}

std::string describe(const RouteSpec& spec) {
    return std::visit([](const auto& route) { return words_of(route).text(); }, spec);
}

std::string protocol_name(unsigned char protocol) {
    // Names that the kernel and FRR have for the numbers in linux/rtnetlink.h.
    constexpr std::array<std::pair<int, const char*>, 13> kNames{{{RTPROT_KERNEL, "kernel"},
                                                                  {RTPROT_BOOT, "boot"},
                                                                  {RTPROT_STATIC, "static"},
                                                                  {RTPROT_RA, "ra"},
                                                                  {RTPROT_ZEBRA, "zebra"},
                                                                  {RTPROT_BIRD, "bird"},
                                                                  {RTPROT_DHCP, "dhcp"},
                                                                  {RTPROT_BABEL, "babel"},
                                                                  {RTPROT_BGP, "bgp"},
                                                                  {RTPROT_ISIS, "isis"},
                                                                  {RTPROT_OSPF, "ospf"},
                                                                  {RTPROT_RIP, "rip"},
                                                                  {kRouteProtocol, "sidestep"}}};
    for (const auto& [number, name] : kNames) {
        if (number == protocol) return name;
    }
    return fmt::format("protocol {}", protocol);
}

}  // namespace sidestep
