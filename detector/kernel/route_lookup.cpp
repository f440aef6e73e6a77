// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/route_lookup.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "detector/kernel/address_attributes.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kV4At = 12;

std::string name_of_type(unsigned type) {
    static constexpr std::array<const char*, 10> kNames{"unspecified", "unicast",   "local",     "broadcast",
                                                        "anycast",     "multicast", "blackhole", "unreachable",
                                                        "prohibit",    "throw"};
    return type < kNames.size() ? kNames.at(type) : std::to_string(type);
}

NlMessage question(const Address& destination) {
    const bool v4 = destination.is_v4();
    rtmsg header{};
    header.rtm_family = v4 ? AF_INET : AF_INET6;
    header.rtm_dst_len = v4 ? 32 : 128;
    auto message = rtnl_message(RTM_GETROUTE, 0, header);
    const auto* bytes = destination.bytes.data() + (v4 ? kV4At : 0);
    if (nla_put(message.get(), RTA_DST, v4 ? 4 : 16, bytes) < 0) throw std::bad_alloc();
    return message;
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
    return answer;
}

}  // namespace

Result<FibAnswer> look_up_route(const Address& destination) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    std::optional<FibAnswer> answer;
    const auto asked = rtnl->dump([&] { return question(destination); },
                                  [&](nlmsghdr* message) {
                                      if (message->nlmsg_type == RTM_NEWROUTE) answer = read(message);
                                  });
    if (!asked) return fail("no route to " + destination.to_string() + " (" + asked.error().message + ")");
    if (!answer) return fail("the kernel has no route to " + destination.to_string());
    return *answer;
}

}  // namespace sidestep
