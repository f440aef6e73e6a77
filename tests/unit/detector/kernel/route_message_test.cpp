// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the conversion of routes to messages and back, and the texts by which they are compared.
#include "detector/kernel/route_message.hpp"

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/detector/kernel/parsed.hpp"

namespace sidestep {
namespace {

struct Case {
    RouteSpec spec;
    const char* words;
};

std::vector<Case> cases() {
    const ProgramRoute program{.prefix = prefix("2001:db8::/48"),
                               .program_fd = 3,
                               .program_id = 12,
                               .via = address("fe80::1"),
                               .ifindex = 7,
                               .metric = 5};
    auto mixed = program;
    mixed.prefix = prefix("192.0.2.0/24");
    mixed.hook = ProgramHook::xmit;
    auto v4 = mixed;
    v4.via = address("192.0.2.1");
    auto narrow = program;
    narrow.mtu = 1420;
    auto narrow_v4 = v4;
    narrow_v4.mtu = 1420;
    const SidRoute end{.sid = prefix("2001:db8:a::1"), .ifindex = 9};
    auto flavored = end;
    flavored.psp = flavored.next_csid = true;
    flavored.block_bits = 48;
    auto cross = end;
    cross.neighbor = address("2001:db8::2");
    cross.neighbor_ifindex = 4;
    auto local = cross;
    local.neighbor = address("fe80::2");
    return {
        {DeviceRoute{.prefix = prefix("2001:db8::/48"), .ifindex = 7, .metric = 5}, "2001:db8::/48 metric 5 dev 7"},
        {DeviceRoute{.prefix = prefix("::/0"), .ifindex = 7}, "::/0 metric 1024 dev 7"},
        {DeviceRoute{.prefix = prefix("0.0.0.0/0"), .ifindex = 7}, "0.0.0.0/0 metric 0 dev 7"},
        {DeviceRoute{.prefix = prefix("192.0.2.1"), .ifindex = 7}, "192.0.2.1/32 metric 0 dev 7"},
        {program, "2001:db8::/48 metric 5 dev 7 via fe80::1 encap bpf in sidestep-12"},
        {mixed, "192.0.2.0/24 metric 5 dev 7 via fe80::1 encap bpf xmit sidestep-12"},
        {v4, "192.0.2.0/24 metric 5 dev 7 via 192.0.2.1 encap bpf xmit sidestep-12"},
        {narrow, "2001:db8::/48 metric 5 dev 7 via fe80::1 mtu 1420 encap bpf in sidestep-12"},
        {narrow_v4, "192.0.2.0/24 metric 5 dev 7 via 192.0.2.1 mtu 1420 encap bpf xmit sidestep-12"},
        {end, "2001:db8:a::1/128 metric 5 dev 9 encap seg6local End"},
        {flavored, "2001:db8:a::1/128 metric 5 dev 9 encap seg6local End flavors psp next-csid lblen 48 nflen 16"},
        {cross, "2001:db8:a::1/128 metric 5 dev 9 encap seg6local End.X nh6 2001:db8::2"},
        {local, "2001:db8:a::1/128 metric 5 dev 9 encap seg6local End.X nh6 fe80::2 oif 4"},
    };
}

TEST(RouteMessage, ReadsBackAsItWasWritten) {
    for (const auto& [spec, words] : cases()) {
        EXPECT_EQ(describe(spec), words);
        const auto message = new_route(spec, NLM_F_EXCL);
        const auto* header = nlmsg_hdr(message.get());
        EXPECT_EQ(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
        const auto seen = seen_route(nlmsg_hdr(message.get()));
        ASSERT_TRUE(seen) << words;
        EXPECT_EQ(seen->text, words);
        EXPECT_EQ(seen->key, key_of(spec));
        EXPECT_EQ(seen->protocol, kRouteProtocol);
        EXPECT_TRUE(seen->ours);
    }
}

TEST(RouteMessage, OtherTablesAndMessagesAreNotOurs) {
    const DeviceRoute route{.prefix = prefix("2001:db8::/48"), .ifindex = 7};
    const auto elsewhere = new_route(route, 0);
    nla_put_u32(elsewhere.get(), RTA_TABLE, 100);
    EXPECT_FALSE(seen_route(nlmsg_hdr(elsewhere.get())));
    const auto cached = new_route(route, 0);
    static_cast<rtmsg*>(nlmsg_data(nlmsg_hdr(cached.get())))->rtm_flags = RTM_F_CLONED;
    EXPECT_FALSE(seen_route(nlmsg_hdr(cached.get())));
    EXPECT_FALSE(seen_route(nlmsg_hdr(delete_route(key_of(route)).get())));
}

/// The message with another protocol.
NlMessage from(const RouteSpec& spec, unsigned char protocol) {
    auto message = new_route(spec, 0);
    static_cast<rtmsg*>(nlmsg_data(nlmsg_hdr(message.get())))->rtm_protocol = protocol;
    return message;
}

TEST(RouteMessage, OfOthersAreNotOurs) {
    const DeviceRoute v6{.prefix = prefix("2001:db8::/48"), .ifindex = 7, .metric = 5};
    const DeviceRoute v4{.prefix = prefix("192.0.2.0/24"), .ifindex = 7, .metric = 5};
    for (const auto& route : {v6, v4}) {
        EXPECT_FALSE(seen_route(nlmsg_hdr(from(route, RTPROT_STATIC).get()))->ours);
        const auto former = seen_route(nlmsg_hdr(from(route, kFormerProtocol).get()));
        EXPECT_TRUE(former->ours);
        EXPECT_NE(former->text, describe(route)) << "it is to be replaced";
    }
    // What the kernel makes of an address: IPv6 with the preference "medium", IPv4 with the scope of a link.
    auto connected = new_route(v6, 0);
    auto* header = nlmsg_hdr(connected.get());
    *static_cast<std::uint8_t*>(nla_data(nlmsg_find_attr(header, sizeof(rtmsg), RTA_PREF))) = 0;
    EXPECT_FALSE(seen_route(header)->ours);
    connected = new_route(v4, 0);
    header = nlmsg_hdr(connected.get());
    static_cast<rtmsg*>(nlmsg_data(header))->rtm_scope = RT_SCOPE_LINK;
    EXPECT_FALSE(seen_route(header)->ours);
}

TEST(RouteMessage, DeletesByPrefixMetricAndProtocol) {
    const auto message = delete_route({.prefix = prefix("192.0.2.0/24"), .metric = 5});
    auto* header = nlmsg_hdr(message.get());
    EXPECT_EQ(header->nlmsg_type, RTM_DELROUTE);
    const auto* route = static_cast<const rtmsg*>(nlmsg_data(header));
    EXPECT_EQ(route->rtm_family, AF_INET);
    EXPECT_EQ(route->rtm_dst_len, 24);
    EXPECT_EQ(route->rtm_protocol, kRouteProtocol);
    EXPECT_EQ(nla_get_u32(nlmsg_find_attr(header, sizeof(rtmsg), RTA_PRIORITY)), 5U);
}

TEST(RouteMessage, NamesOwners) {
    EXPECT_EQ(protocol_name(RTPROT_ISIS), "isis");
    EXPECT_EQ(protocol_name(kFormerProtocol), "sidestep");
    EXPECT_EQ(protocol_name(99), "protocol 99");
}

}  // namespace
}  // namespace sidestep
