// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which chains of nf_tables count as filters of forwarded packets.
#include "detector/kernel/netfilter_chains.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

struct Chain {
    std::uint8_t family = NFPROTO_INET;
    bool base = true;
    std::uint32_t hook = NF_INET_FORWARD;
    std::uint32_t use = 0;
    std::uint32_t policy = NF_DROP;
};

NlMessage chain_of(const Chain& chain) {
    const nfgenmsg family{.nfgen_family = chain.family, .version = 0, .res_id = 0};
    auto message = rtnl_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, 0, family);
    nla_put_string(message.get(), NFTA_CHAIN_TABLE, "filter");
    nla_put_string(message.get(), NFTA_CHAIN_NAME, "ahead");
    if (chain.base) {
        auto* hook = nla_nest_start(message.get(), NFTA_CHAIN_HOOK);
        nla_put_u32(message.get(), NFTA_HOOK_HOOKNUM, htonl(chain.hook));
        nla_nest_end(message.get(), hook);
        nla_put_u32(message.get(), NFTA_CHAIN_POLICY, htonl(chain.policy));
    }
    nla_put_u32(message.get(), NFTA_CHAIN_USE, htonl(chain.use));
    return message;
}

std::string named(const Chain& chain) {
    const auto message = chain_of(chain);
    return read_forward_chain(nlmsg_hdr(message.get())).value_or("none");
}

TEST(NetfilterChains, CountIfTheyDropOrHaveRules) {
    EXPECT_EQ(named({}), "inet filter ahead");
    EXPECT_EQ(named({.family = NFPROTO_IPV6}), "ip6 filter ahead");
    EXPECT_EQ(named({.family = NFPROTO_IPV4, .use = 1, .policy = NF_ACCEPT}), "ip filter ahead");
    EXPECT_EQ(named({.use = 0, .policy = NF_ACCEPT}), "none");
}

TEST(NetfilterChains, OfOtherHooksAndFamiliesDoNotCount) {
    EXPECT_EQ(named({.base = false, .use = 1}), "none");
    EXPECT_EQ(named({.hook = NF_INET_LOCAL_IN}), "none");
    EXPECT_EQ(named({.family = NFPROTO_BRIDGE}), "none");
}

TEST(NetfilterChains, ThatAreNotWholeAreRead) {
    const auto message = chain_of({});
    const auto* whole = nlmsg_hdr(message.get());
    for (std::uint32_t kept = sizeof(nlmsghdr); kept < whole->nlmsg_len; ++kept) {
        std::vector<char> bytes(kept);  // a sanitizer sees what is read beyond
        std::memcpy(bytes.data(), whole, kept);
        auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
        header->nlmsg_len = kept;
        const auto name = read_forward_chain(header).value_or("none");
        EXPECT_TRUE(name == "none" || name == "inet filter ahead") << kept;
    }
}

}  // namespace
}  // namespace sidestep
