// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests transit packets in no policy: the adjacency is the one that the kernel's FIB names, and its bypass is taken
// when it is down.
#include <set>
#include <utility>

#include "tests/bpf/fib_node.hpp"

namespace sidestep {
namespace {

TEST_F(Fib, TheAdjacencyIsThatOfTheGateway) {
    all_down();
    EXPECT_EQ(v6("2001:db8:1::1"), 1U);
    EXPECT_EQ(v6("2001:db8:2::1"), 2U);
    EXPECT_EQ(v4("198.51.1.1"), 1U);
    EXPECT_EQ(v4("198.51.2.1"), 2U);
    EXPECT_EQ(v4("198.51.6.1"), 1U) << "an IPv6 gateway of IPv4";
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 5U);
    ASSERT_TRUE(ip("neigh add fe80::1 lladdr 02:00:00:00:00:99 dev a"));  // resolved or not
    EXPECT_EQ(v6("2001:db8:1::1"), 1U);
}

TEST_F(Fib, OnALinkToOneNeighborEveryGatewayIsThatNeighbor) {
    all_down();
    EXPECT_EQ(v6("2001:db8:3::1"), 3U);
    EXPECT_EQ(v4("198.51.3.1"), 3U);
}

// Even where only one neighbor is known, there may be hosts on the link: those that the FIB names no gateway for.
TEST_F(Fib, AHostOnTheLinkIsNotTheNeighbor) {
    all_down();
    EXPECT_EQ(v6("2001:db8:9::1"), 0U);
    EXPECT_EQ(v4("10.0.2.77"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_NO_POLICY), 2U);
    add_adjacency(kLink2, "2001:db8:9::1", 3);
    add_adjacency(kLink2, "10.0.2.77", 3);
    EXPECT_EQ(v6("2001:db8:9::1"), 3U) << "the neighbor's own address";
    EXPECT_EQ(v4("10.0.2.77"), 3U);
}

TEST_F(Fib, OnALanAnUnknownGatewayIsNoAdjacency) {
    all_down();
    EXPECT_EQ(v6("2001:db8:7::1"), 0U);
    EXPECT_EQ(v6("2001:db8:8::1"), 0U);
    EXPECT_EQ(v4("198.51.7.1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_NO_POLICY), 3U);
}

TEST_F(Fib, WithoutARouteItIsLeftToTheKernel) {
    all_down();
    EXPECT_EQ(v6("2001:db8:ffff::1"), 0U);
    EXPECT_EQ(v6("2001:db8:b::1"), 0U);  // a black hole
    EXPECT_EQ(v6("2001:db8:5::1"), 0U);  // by an interface without adjacencies
    EXPECT_EQ(v4("203.0.113.1"), 0U);
    ASSERT_TRUE(ip("link set dev a down"));
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_NO_POLICY), 5U);
    ASSERT_TRUE(set_sysctl("ipv6/conf/in/forwarding", 0));
    EXPECT_EQ(v6("2001:db8:3::1"), 0U) << "this is no router";
}

TEST_F(Fib, ABypassIsTakenOnlyIfItIsBetter) {
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PLAIN), 1U);
    programs_.lower(1, SS_DEGRADED);
    EXPECT_EQ(v6("2001:db8:1::1"), 1U);
    EXPECT_EQ(v6("2001:db8:2::1"), 0U) << "its own adjacency is up";
    programs_.lower(kSpare, SS_DEGRADED);
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PLAIN), 3U) << "its own adjacency is no worse";
    programs_.states[1].rank = SS_DOWN;
    EXPECT_EQ(v6("2001:db8:1::1"), 1U);
    EXPECT_EQ(programs_.stats(2, 0).packets, 2U);
}

// Plain forwarding is as good as the adjacency of this flow, whatever its own session's state.
TEST_F(Fib, APolicysOtherCandidatesComeBeforeTheBypass) {
    programs_.set_path(10, plain_list(7));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    programs_.set_prefix(*Prefix::parse("2001:db8:1::/48"), 1);
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    programs_.lower(1);
    EXPECT_EQ(v6("2001:db8:1::1"), 5U);
    EXPECT_EQ(programs_.stats(1, 1).packets, 1U);
    programs_.lower(6);
    EXPECT_EQ(v6("2001:db8:1::1"), 1U) << "then the bypass";
    programs_.states[6].rank = SS_UP;
    programs_.states[1].rank = SS_UP;
    programs_.lower(7);
    EXPECT_EQ(v6("2001:db8:1::1"), 5U);
}

// Node protection may have no path where link protection has: the bypass of the FIB's adjacency comes last.
TEST_F(Fib, APolicyWithoutAPathLeftTakesTheBypass) {
    programs_.set_path(10, plain_list(1));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    for (const auto* prefix :
         {"2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:7::/48", "2001:db8:ffff::/48", "198.51.1.0/24"})
        programs_.set_prefix(*Prefix::parse(prefix), 1);
    programs_.lower(1);
    programs_.lower(6);
    EXPECT_EQ(v6("2001:db8:1::1"), 1U);
    EXPECT_EQ(v4("198.51.1.1"), 1U);
    EXPECT_EQ(programs_.stats(2, 0).packets, 2U);
    EXPECT_EQ(programs_.drops(SS_DROP_NO_CANDIDATE), 0U);
    EXPECT_EQ(v6("2001:db8:2::1"), 0U) << "routed by an adjacency that is up";
    EXPECT_EQ(v6("2001:db8:7::1"), 0U) << "by none of ours";
    EXPECT_EQ(v6("2001:db8:ffff::1"), 0U) << "by nobody";
    EXPECT_EQ(programs_.drops(SS_DROP_NO_CANDIDATE), 3U);
    EXPECT_EQ(programs_.stats(1, 2).drops[SS_DROP_NO_CANDIDATE], 3U);
    programs_.lower(kSpare);
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    EXPECT_EQ(programs_.drops(SS_DROP_NO_CANDIDATE), 4U);
    programs_.set_adjacency(kLan, address("fe80::1"), {.session = 1, .slot = SS_POLICY_EXEMPT});
    EXPECT_EQ(v6("2001:db8:1::1"), 0U) << "no bypass";
    EXPECT_EQ(programs_.stats(1, 2).drops[SS_DROP_NO_CANDIDATE], 4U);
}

// If the FIB's adjacency is down, the one that the plain candidate names comes first.
TEST_F(Fib, APlainCandidatesOwnAdjacencyGoesBeforeTheOthers) {
    programs_.set_path(10, segment_list(SS_MODE_PLAIN, make_forward_header(kLink), 7));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    programs_.set_prefix(*Prefix::parse("2001:db8:1::/48"), 1);
    const auto sent = packet(Ipv6{.to = "2001:db8:1::1", .hop_limit = 64}, udp(1, 2, 9));
    EXPECT_EQ(v6("2001:db8:1::1"), 0U);
    programs_.lower(1);
    auto to_host = sent;
    std::ranges::copy(hex("020000000071"), to_host.begin());
    const auto result = programs_.ingress(to_host, kIn);
    EXPECT_EQ(result.code, TC_ACT_REDIRECT);
    auto wanted = packet(Ipv6{.to = "2001:db8:1::1", .hop_limit = 63}, udp(1, 2, 9));
    std::ranges::copy(header_of(programs_.lists[10]), wanted.begin());
    EXPECT_EQ(text_of(inside(result.packet)), text_of(inside(wanted)));
    EXPECT_EQ(programs_.stats(1, 0).packets, 1U);
    programs_.states[7].rank = SS_DEGRADED;
    EXPECT_EQ(v6("2001:db8:1::1"), 5U) << "the other candidate is better";
}

// A router on the LAN that is none of ours has no rank, which is not the same as being down.
TEST_F(Fib, APolicyWhoseRouteGoesToAnotherRouterOnTheLanStays) {
    programs_.set_path(10, plain_list(7));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    programs_.set_prefix(*Prefix::parse("2001:db8:7::/48"), 1);
    programs_.set_prefix(*Prefix::parse("198.51.7.0/24"), 1);
    all_down();
    EXPECT_EQ(v6("2001:db8:7::1"), 0U);
    EXPECT_EQ(v4("198.51.7.1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PLAIN), 2U);
    EXPECT_EQ(programs_.drops(SS_DROP_NO_CANDIDATE), 0U);
}

// If the FIB has no answer, only the policy's state counts.
TEST_F(Fib, APolicyWhoseRouteIsGone) {
    programs_.set_path(10, plain_list(7));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    programs_.set_prefix(*Prefix::parse("2001:db8:ffff::/48"), 1);
    EXPECT_EQ(v6("2001:db8:ffff::1"), 0U);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PLAIN), 1U);
    programs_.lower(7);
    EXPECT_EQ(v6("2001:db8:ffff::1"), 5U);
}

// The link is back, its routes are not: the neighbor that the candidate names gets the packets.
TEST_F(Fib, APolicyWhoseRouteIsGoneNamesTheNeighbor) {
    programs_.set_path(10, segment_list(SS_MODE_PLAIN, make_forward_header(kLink), 7));
    programs_.set_policy(1, {10});
    programs_.set_prefix(*Prefix::parse("2001:db8:ffff::/48"), 1);
    auto sent = packet(Ipv6{.to = "2001:db8:ffff::1", .hop_limit = 64}, udp(1, 2, 9));
    std::ranges::copy(hex("020000000071"), sent.begin());
    programs_.repair[0].active = 0;
    EXPECT_NE(programs_.ingress(sent, kIn).code, TC_ACT_REDIRECT) << "while all is well, the kernel decides";
    programs_.repair[0].always = 1;
    EXPECT_EQ(programs_.ingress(sent, kIn).code, TC_ACT_REDIRECT);
    EXPECT_EQ(programs_.stats(1, 0).packets, 1U);
}

// The kernel itself is asked which of two equal-cost next hops each flow takes.
TEST_F(Fib, OfEqualCostPathsItIsTheKernelsOwnChoice) {
    all_down();
    for (const int policy : {0, 1}) {
        ASSERT_TRUE(set_sysctl("ipv6/fib_multipath_hash_policy", policy));
        ASSERT_TRUE(set_sysctl("ipv4/fib_multipath_hash_policy", policy));
        std::set<std::pair<bool, unsigned>> seen;
        for (unsigned i = 1; i <= 24; ++i) {
            const auto port = static_cast<std::uint16_t>(5000 + i);
            const auto suffix = std::to_string(i);
            const auto to_v6 = "2001:db8:e::" + suffix;
            const auto to_v4 = "198.51.100." + suffix;
            const auto flow = " iif in ipproto udp sport " + std::to_string(port) + " dport 80";
            const auto answer_v6 = ip_says("-6 route get " + to_v6 + " from 2001:db8:5::1" + flow);
            const auto answer_v4 = ip_says("route get " + to_v4 + " from 192.0.2.1" + flow);
            const auto neighbor = [](const std::string& answer) {
                return answer.find(" dev a ") != std::string::npos   ? 1U
                       : answer.find(" dev b ") != std::string::npos ? 3U
                                                                     : 0U;
            };
            ASSERT_NE(neighbor(answer_v6), 0U) << answer_v6;
            ASSERT_NE(neighbor(answer_v4), 0U) << answer_v4;
            EXPECT_EQ(bypassed(packet(Ipv6{.to = to_v6}, udp(port, 80, 9))), neighbor(answer_v6)) << answer_v6;
            EXPECT_EQ(bypassed(packet(Ipv4{.to = to_v4}, udp(port, 80, 9))), neighbor(answer_v4)) << answer_v4;
            seen.emplace(true, neighbor(answer_v6));
            seen.emplace(false, neighbor(answer_v4));
        }
        EXPECT_EQ(seen.size(), 4U) << "both families took both paths, policy " << policy;
    }
}

// fib_multipath_hash_policy 0 hashes the flow label of IPv6, not the ports.
TEST_F(Fib, TheFlowLabelIsInTheLookup) {
    all_down();
    std::set<unsigned> by_label;
    std::set<unsigned> by_port;
    for (std::uint16_t i = 1; i <= 32; ++i) {
        auto labelled = packet(Ipv6{.to = "2001:db8:e::1"}, udp(1, 2, 9));
        labelled[kEthernetLength + 3] = static_cast<std::uint8_t>(i);
        by_label.insert(bypassed(labelled));
        by_port.insert(bypassed(packet(Ipv6{.to = "2001:db8:e::1"}, udp(i, 2, 9))));
    }
    EXPECT_EQ(by_label, (std::set<unsigned>{1, 3}));
    EXPECT_EQ(by_port.size(), 1U);
}

}  // namespace
}  // namespace sidestep
