// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Spells routes.
#include "detector/kernel/route_words.hpp"

#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>

#include <array>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace sidestep {
namespace {

constexpr unsigned kDefaultMetricV6 = 1024;  // IP6_RT_PRIO_USER

RouteKey make_key(const Prefix& prefix, unsigned metric) {
    return {.prefix = prefix, .metric = metric == 0 && !is_v4(prefix) ? kDefaultMetricV6 : metric};
}

const char* hook_name(ProgramHook hook) {
    return hook == ProgramHook::in ? "in" : "xmit";
}

RouteWords in_words(const DeviceRoute& route) {
    return {.key = make_key(route.prefix, route.metric), .ifindex = route.ifindex};
}

RouteWords in_words(const ProgramRoute& route) {
    return {.key = make_key(route.prefix, route.metric),
            .ifindex = route.ifindex,
            .via = route.via,
            .encap = fmt::format("bpf {} {}", hook_name(route.hook), program_name(route)),
            .mtu = route.mtu};
}

RouteWords in_words(const SidRoute& route) {
    const auto action = route.neighbor ? SEG6_LOCAL_ACTION_END_X : SEG6_LOCAL_ACTION_END;
    const int out = route.neighbor && route.neighbor->is_link_local() ? route.neighbor_ifindex : 0;
    return {.key = make_key(route.sid, route.metric),
            .ifindex = route.ifindex,
            .encap = sid_text(action, route.neighbor, out,
                              flavor_text(flavor_bits(route), route.block_bits, route.function_bits))};
}

}  // namespace

std::string RouteWords::text() const {
    return fmt::format("{}{} metric {} dev {}{}{}{}", kind, key.prefix.to_string(), key.metric, ifindex,
                       via ? " via " + via->to_string() : "", mtu != 0 ? fmt::format(" mtu {}", mtu) : "",
                       encap.empty() ? "" : " encap " + encap);
}

RouteWords words_of(const RouteSpec& spec) {
    return std::visit([](const auto& route) { return in_words(route); }, spec);
}

bool is_v4(const Prefix& prefix) {
    return prefix.length >= kMappedBits && prefix.address.is_v4();
}

// The kernel compares the programs of routes by name only, and lets IPv4 routes with equal next hops share one. So
// another program needs another name.
std::string program_name(const ProgramRoute& route) {
    return fmt::format("sidestep-{}", route.program_id);
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

RouteKey key_of(const RouteSpec& spec) {
    return words_of(spec).key;
}

std::string describe(const RouteSpec& spec) {
    return words_of(spec).text();
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
                                                                  {kFormerProtocol, "sidestep"}}};
    for (const auto& [number, name] : kNames) {
        if (number == protocol) return name;
    }
    return fmt::format("protocol {}", protocol);
}

}  // namespace sidestep
