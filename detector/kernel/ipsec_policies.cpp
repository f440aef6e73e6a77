// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/ipsec_policies.hpp"

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "detector/kernel/route_words.hpp"
#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

/// nullopt if the family is neither. Bits beyond the length count as zero, as in the kernel.
std::optional<Prefix> selected(const xfrm_address_t& from, unsigned length, int family) {
    Address address;
    if (family == AF_INET) {
        address.bytes[10] = address.bytes[11] = 0xff;
        std::memcpy(address.bytes.data() + 12, &from.a4, sizeof from.a4);
        return Prefix::covering(address, static_cast<std::uint8_t>(kMappedBits + std::min(length, 32U)));
    }
    if (family != AF_INET6) return std::nullopt;
    std::memcpy(address.bytes.data(), &from.a6, address.bytes.size());
    return Prefix::covering(address, static_cast<std::uint8_t>(std::min(length, 128U)));
}

/// The header that a message begins with; false if it is too short for that.
template <typename Header>
bool begins_with(const nlmsghdr* header, Header& into) {
    if (nlmsg_valid_hdr(header, sizeof into) == 0) return false;
    std::memcpy(&into, nlmsg_data(header), sizeof into);
    return true;
}

}  // namespace

std::optional<IpsecPolicy> read_ipsec_policy(nlmsghdr* header) {
    xfrm_userpolicy_info info{};
    std::array<nlattr*, XFRMA_MAX + 1> attributes{};
    if (header->nlmsg_type != XFRM_MSG_NEWPOLICY || !begins_with(header, info)) return std::nullopt;
    if (info.dir != XFRM_POLICY_OUT && info.dir != XFRM_POLICY_FWD) return std::nullopt;
    if (nlmsg_parse(header, sizeof info, attributes.data(), XFRMA_MAX, nullptr) < 0) return std::nullopt;
    const auto source = selected(info.sel.saddr, info.sel.prefixlen_s, info.sel.family);
    const auto destination = selected(info.sel.daddr, info.sel.prefixlen_d, info.sel.family);
    if (!source || !destination) return std::nullopt;
    const auto* templates = attributes[XFRMA_TMPL];
    auto* interface = attributes[XFRMA_IF_ID];
    const bool has_id = interface != nullptr && nla_len(interface) >= static_cast<int>(sizeof(std::uint32_t));
    return IpsecPolicy{.forwarded = info.dir == XFRM_POLICY_FWD,
                       .source = *source,
                       .destination = *destination,
                       .blocks = info.action == XFRM_POLICY_BLOCK,
                       .transforms = templates != nullptr && nla_len(templates) > 0,
                       .interface = has_id ? nla_get_u32(interface) : 0};
}

void read_ipsec_defaults(nlmsghdr* header, IpsecPolicies& policies) {
    xfrm_userpolicy_default defaults{};
    if (header->nlmsg_type != XFRM_MSG_GETDEFAULT || !begins_with(header, defaults)) return;
    policies.blocks_sent = defaults.out == XFRM_USERPOLICY_BLOCK;
    policies.blocks_forwarded = defaults.fwd == XFRM_USERPOLICY_BLOCK;
}

std::optional<IpsecWatch> IpsecWatch::open() {
    Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_XFRM));
    if (!socket) return std::nullopt;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    const int group = XFRMNLGRP_POLICY;
    // Without the group they are still read now and then.
    (void)::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
    return IpsecWatch(std::move(socket));
}

bool IpsecWatch::heard() {
    constexpr int kAtOnce = 1024;  // what is left is heard next time
    bool any = false;
    nlmsghdr header{};  // the rest is of no interest
    for (int i = 0; i < kAtOnce; ++i) {
        const bool told = ::recv(socket_.get(), &header, sizeof header, MSG_DONTWAIT) >= 0;
        if (!told && errno != ENOBUFS) break;  // after that there may be more
        any = true;
    }
    return any;
}

Result<IpsecPolicies> IpsecWatch::read() {
    auto socket = Rtnl::open(NETLINK_XFRM);
    if (!socket) return std::unexpected(socket.error());
    IpsecPolicies policies;
    const auto dumped = socket->dump([] { return rtnl_message(XFRM_MSG_GETPOLICY, NLM_F_DUMP, xfrm_userpolicy_id{}); },
                                     [&](nlmsghdr* header) {
                                         if (auto policy = read_ipsec_policy(header)) policies.all.push_back(*policy);
                                     });
    if (!dumped) return std::unexpected(dumped.error());
    // Kernels before 5.15 refuse this, and block nothing by default.
    (void)socket->ask(rtnl_message(XFRM_MSG_GETDEFAULT, 0, xfrm_userpolicy_default{}),
                      [&](nlmsghdr* header) { read_ipsec_defaults(header, policies); });
    return policies;
}

}  // namespace sidestep
