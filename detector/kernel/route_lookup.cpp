// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_lookup.hpp"

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "detector/kernel/address_attributes.hpp"
#include "detector/kernel/route_message.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

std::string name_of_type(unsigned type) {
    static constexpr std::array<const char*, 10> kNames{"unspecified", "unicast",   "local",     "broadcast",
                                                        "anycast",     "multicast", "blackhole", "unreachable",
                                                        "prohibit",    "throw"};
    return type < kNames.size() ? kNames.at(type) : std::to_string(type);
}

FibAnswer read(nlmsghdr* message) {
    const auto* header = static_cast<const rtmsg*>(nlmsg_data(message));
    FibAnswer answer{
        .type = name_of_type(header->rtm_type), .table = header->rtm_table, .protocol = header->rtm_protocol};
    const auto find = [&](int type) { return nlmsg_find_attr(message, sizeof(rtmsg), type); };
    if (auto* table = find(RTA_TABLE)) answer.table = nla_get_u32(table);
    if (auto* out = find(RTA_OIF)) {
        std::array<char, IF_NAMESIZE> name{};
        answer.ifindex = static_cast<int>(nla_get_u32(out));
        if (::if_indextoname(static_cast<unsigned>(answer.ifindex), name.data()) != nullptr)
            answer.interface = name.data();
    }
    answer.gateway = gateway_in(find(RTA_GATEWAY), find(RTA_VIA), header->rtm_family);
    answer.prefix = destination_in(*header, find(RTA_DST));
    if (auto* metric = find(RTA_PRIORITY)) answer.metric = nla_get_u32(metric);
    answer.ours = is_ours(*header, find(RTA_PREF));
    if (auto* encap = find(RTA_ENCAP_TYPE)) answer.is_sid = nla_get_u16(encap) == LWTUNNEL_ENCAP_SEG6_LOCAL;
    return answer;
}

std::expected<std::optional<FibAnswer>, Refusal> ask(Rtnl& rtnl, const Address& destination, unsigned flags) {
    std::optional<FibAnswer> answer;
    const auto asked = rtnl.ask(ask_route(destination, flags), [&](nlmsghdr* message) {
        if (message->nlmsg_type == RTM_NEWROUTE) answer = read(message);
    });
    if (!asked) return std::unexpected(asked.error());
    return answer;
}

std::string table_name(std::uint32_t table) {
    if (table == RT_TABLE_LOCAL) return " table local";
    return table == RT_TABLE_MAIN ? std::string() : fmt::format(" table {}", table);
}

}  // namespace

Result<FibAnswer> look_up_route(const Address& destination) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    const auto answer = ask(*rtnl, destination, 0);
    if (!answer) return fail("no route to " + destination.to_string() + " (" + answer.error().text + ")");
    if (!*answer) return fail("the kernel has no route to " + destination.to_string());
    return **answer;
}

std::optional<FibAnswer> match_route(Rtnl& rtnl, const Address& destination) {
    return ask(rtnl, destination, RTM_F_FIB_MATCH).value_or(std::nullopt);
}

std::string describe(const FibAnswer& answer) {
    return fmt::format("{}{}{}{} proto {} metric {}{}", answer.type == "unicast" ? "" : answer.type + " ",
                       answer.prefix.to_string(), answer.gateway ? " via " + answer.gateway->to_string() : "",
                       answer.interface.empty() ? "" : " dev " + answer.interface,
                       protocol_name(static_cast<unsigned char>(answer.protocol)), answer.metric,
                       table_name(answer.table));
}

}  // namespace sidestep
