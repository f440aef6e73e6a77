// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the reading of IPsec policies, also of messages that are not whole.
#include "detector/kernel/ipsec_policies.hpp"

#include <arpa/inet.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

xfrm_userpolicy_info selects_v6(std::uint8_t direction) {
    xfrm_userpolicy_info info{};
    info.dir = direction;
    info.sel.family = AF_INET6;
    ::inet_pton(AF_INET6, "2001:db8:5::", &info.sel.saddr);
    info.sel.prefixlen_s = 48;
    ::inet_pton(AF_INET6, "2001:db8:d::99", &info.sel.daddr);
    info.sel.prefixlen_d = 64;
    return info;
}

NlMessage message_of(const xfrm_userpolicy_info& info, bool has_template, std::uint32_t interface = 0) {
    auto message = rtnl_message(XFRM_MSG_NEWPOLICY, 0, info);
    const xfrm_user_tmpl one{};
    if (has_template) nla_put(message.get(), XFRMA_TMPL, sizeof one, &one);
    if (interface != 0) nla_put_u32(message.get(), XFRMA_IF_ID, interface);
    return message;
}

std::optional<IpsecPolicy> read(const NlMessage& message) {
    return read_ipsec_policy(nlmsg_hdr(message.get()));
}

TEST(IpsecPolicies, AreReadWithTheirTemplates) {
    auto policy = read(message_of(selects_v6(XFRM_POLICY_OUT), true));
    ASSERT_TRUE(policy);
    EXPECT_FALSE(policy->forwarded);
    EXPECT_EQ(policy->source, *Prefix::parse("2001:db8:5::/48"));
    EXPECT_EQ(policy->destination, *Prefix::parse("2001:db8:d::/64")) << "without the bits of hosts";
    EXPECT_TRUE(policy->transforms);
    EXPECT_FALSE(policy->blocks);
    EXPECT_EQ(policy->interface, 0U);
    auto blocks = selects_v6(XFRM_POLICY_FWD);
    blocks.action = XFRM_POLICY_BLOCK;
    policy = read(message_of(blocks, false, 7));
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->forwarded);
    EXPECT_FALSE(policy->transforms);
    EXPECT_TRUE(policy->blocks);
    EXPECT_EQ(policy->interface, 7U);
}

TEST(IpsecPolicies, HaveLengthsOfTheirFamily) {
    xfrm_userpolicy_info info{};
    info.dir = XFRM_POLICY_OUT;
    info.sel.family = AF_INET;
    ::inet_pton(AF_INET, "10.1.2.3", &info.sel.daddr);
    info.sel.prefixlen_d = 8;
    auto policy = read(message_of(info, true));
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->source, *Prefix::parse("0.0.0.0/0"));
    EXPECT_EQ(policy->destination, *Prefix::parse("10.0.0.0/8"));
    info.sel.prefixlen_d = 255;
    policy = read(message_of(info, true));
    ASSERT_TRUE(policy);
    EXPECT_EQ(policy->destination, *Prefix::parse("10.1.2.3/32"));
    info.sel.family = AF_UNIX;
    EXPECT_FALSE(read(message_of(info, true)));
}

TEST(IpsecPolicies, OfSocketsAndOfArrivalsAreNone) {
    EXPECT_FALSE(read(message_of(selects_v6(XFRM_POLICY_IN), true)));
    EXPECT_FALSE(read(message_of(selects_v6(XFRM_POLICY_MAX + XFRM_POLICY_OUT), true)));
}

TEST(IpsecPolicies, ThatAreNotWholeAreNone) {
    const auto message = message_of(selects_v6(XFRM_POLICY_OUT), true);
    const auto* whole = nlmsg_hdr(message.get());
    const auto length = whole->nlmsg_len;
    for (std::uint32_t kept = sizeof(nlmsghdr); kept < length; ++kept) {
        std::vector<char> bytes(kept);  // a sanitizer sees what is read beyond
        std::memcpy(bytes.data(), whole, kept);
        auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
        header->nlmsg_len = kept;
        const auto policy = read_ipsec_policy(header);
        EXPECT_EQ(policy.has_value(), kept >= NLMSG_LENGTH(sizeof(xfrm_userpolicy_info))) << kept;
        EXPECT_FALSE(policy && policy->transforms) << kept;
    }
}

TEST(IpsecPolicies, MayBlockByDefault) {
    xfrm_userpolicy_default defaults{};
    defaults.fwd = XFRM_USERPOLICY_BLOCK;
    defaults.out = XFRM_USERPOLICY_ACCEPT;
    const auto message = rtnl_message(XFRM_MSG_GETDEFAULT, 0, defaults);
    IpsecPolicies policies;
    read_ipsec_defaults(nlmsg_hdr(message.get()), policies);
    EXPECT_TRUE(policies.blocks_forwarded);
    EXPECT_FALSE(policies.blocks_sent);
}

}  // namespace
}  // namespace sidestep
