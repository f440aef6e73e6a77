// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the program at tc egress: what the kernel sends to an adjacency that is not up takes its bypass, whatever route,
// rule or hash led there.
#include "tests/bpf/fib_node.hpp"

namespace sidestep {
namespace {

constexpr auto* kOwnAddress = "2001:db8:5::fe";  // of the interface `in`

Address as_gateway(std::string_view mac) {
    Address result;
    result.bytes.fill(0xff);
    std::ranges::copy(hex(mac), result.bytes.begin() + SS_HOP_MAC_AT);
    return result;
}

class Egress : public Fib {
  protected:
    void SetUp() override {
        Fib::SetUp();
        if (IsSkipped()) return;
        for (const std::uint32_t neighbor : {1, 2})
            programs_.set_adjacency(kLan, as_gateway("02000000000" + std::to_string(neighbor)),
                                    {.session = neighbor, .slot = neighbor + 1});
    }

    // As the kernel addresses it to a neighbor of the LAN.
    static Bytes to_neighbor(unsigned neighbor, Bytes bytes) {
        std::ranges::copy(hex("02000000000" + std::to_string(neighbor)), bytes.begin());
        std::ranges::copy(hex("0200000000fe"), bytes.begin() + ETH_ALEN);
        return bytes;
    }
    // The neighbor whose bypass a packet took; 0: the packet was passed unchanged.
    unsigned moved(const Bytes& bytes, std::uint32_t came_in_by = kIn) {
        const auto result = programs_.egress(bytes, kLan, came_in_by);
        if (result.code != TC_ACT_REDIRECT) {
            EXPECT_EQ(result.code, kPass);
            EXPECT_EQ(text_of(result.packet), text_of(bytes));
            return 0;
        }
        EXPECT_EQ(text_of(std::span(result.packet).last(bytes.size() - kEthernetLength)),
                  text_of(std::span(bytes).subspan(kEthernetLength)))
            << "the kernel has already counted the hop";
        return result.packet.at(kEthernetLength + kIpv6Length + 4) + 1U;
    }
    static Bytes plain(Ipv6 ip = {}) { return packet(ip, udp(1, 2, 9)); }
};

TEST_F(Egress, WhatTheKernelEncryptsIsMovedAfterIt) {
    all_down();
    programs_.set_prefix(*Prefix::parse("::/0"), kKernelFirst);
    EXPECT_EQ(programs_.ingress(plain()).code, kPass);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_EXEMPT), 1U);
    EXPECT_EQ(moved(to_neighbor(1, plain())), 1U);
}

TEST_F(Egress, ABypassThatIsOnlyObservedCounts) {
    all_down();
    for (const std::uint32_t bank : {0U, 1U}) programs_.slots[2 * 2U + bank].stats |= SS_OBSERVED;
    EXPECT_EQ(moved(to_neighbor(1, plain())), 0U);
    EXPECT_EQ(programs_.drops(SS_DROP_OBSERVED), 1U);
    EXPECT_EQ(programs_.stats(2, 0).drops[SS_DROP_OBSERVED], 1U);
    EXPECT_EQ(moved(to_neighbor(2, plain())), 2U) << "the other one is repaired";
}

TEST_F(Egress, TheNeighborIsKnownByItsMacAddress) {
    EXPECT_EQ(moved(to_neighbor(1, plain())), 0U) << "all is well";
    all_down();
    EXPECT_EQ(moved(to_neighbor(1, plain())), 1U);
    EXPECT_EQ(moved(to_neighbor(2, plain())), 2U);
    EXPECT_EQ(moved(to_neighbor(1, packet(Ipv4{}, udp(1, 2, 9)))), 1U);
    EXPECT_EQ(moved(to_neighbor(7, plain())), 0U) << "another router on the LAN";
    EXPECT_EQ(moved(to_neighbor(1, plain()), 0), 1U) << "this node's own packet";
    programs_.states[1].rank = SS_UP;
    EXPECT_EQ(moved(to_neighbor(1, plain())), 0U);
}

// What a route with `encap seg6` has made of a packet, with whatever source, and other tunnels.
TEST_F(Egress, WhatTheKernelEncapsulatedIsMoved) {
    all_down();
    const auto inner = inside(plain());
    const std::vector<Address> list{address("fd00:b:d6::")};
    const std::vector<std::string> sources{kOwnAddress, own_source().to_string()};
    for (const auto& source : sources) {
        const Ipv6 outer{.from = source, .to = "fd00:b:d6::", .next_header = kRouting};
        EXPECT_EQ(moved(to_neighbor(1, packet(outer, srh(kIpv6Inside, list, 0) + inner))), 1U);
        const Ipv6 tunnel{.from = source, .to = "fd00:b::1", .next_header = kIpv6Inside};
        EXPECT_EQ(moved(to_neighbor(1, packet(tunnel, inner))), 1U);
    }
}

TEST_F(Egress, WhatBelongsToTheLinkFailsWithIt) {
    all_down();
    EXPECT_EQ(moved(to_neighbor(1, packet(Ipv6{.to = "2001:db8:1::1"}, udp(1, SS_PROBE_PORT, 60)))), 0U) << "a probe";
    add_adjacency(kLan, "2001:db8:7::1", 1);
    const auto to_its_address = to_neighbor(1, plain({.to = "2001:db8:7::1"}));
    EXPECT_EQ(moved(to_its_address, 0), 0U) << "BFD, or a routing protocol";
    EXPECT_EQ(moved(to_its_address, kIn), 1U) << "a host's packet";
    const Ipv6 solicitation{.to = "2001:db8:8::1", .hop_limit = 255, .next_header = 58};
    EXPECT_EQ(moved(to_neighbor(1, packet(solicitation, Bytes(24, 0))), 0), 0U);
    EXPECT_EQ(moved(to_neighbor(1, plain({.to = "fe80::1"})), 0), 0U);
    EXPECT_EQ(programs_.all_counters(), 1U);
}

TEST_F(Egress, APolicysOtherCandidatesComeBeforeTheBypass) {
    programs_.set_path(10, plain_list(1));
    programs_.set_path(11, encaps_list(6, 5));
    programs_.set_policy(1, {10, 11});
    programs_.set_prefix(*Prefix::parse("2001:db8:1::/48"), 1);
    programs_.lower(1);
    const auto in_policy = to_neighbor(1, plain({.to = "2001:db8:1::1"}));
    EXPECT_EQ(moved(in_policy), 5U);
    programs_.lower(6);
    EXPECT_EQ(moved(in_policy), 1U);
    programs_.lower(kSpare);
    EXPECT_EQ(moved(in_policy), 0U);
    EXPECT_EQ(programs_.drops(SS_DROP_NO_CANDIDATE), 1U);
}

TEST_F(Egress, NothingIsRepairedAgainAndAgain) {
    all_down();
    const std::vector<Address> list{address("fd00:b:d6::")};
    const auto own = own_source().to_string();
    const Ipv6 outer{.from = own, .to = "fd00:b:d6::", .next_header = kRouting};
    const auto twice = srh(kIpv6Inside, list, 0, SS_REPAIR_TAG | SS_MAX_REPAIRS) + inside(plain());
    EXPECT_EQ(moved(to_neighbor(1, packet(outer, twice))), 0U);
    const auto ours = inside(packet(Ipv6{.from = own, .next_header = kIpv6Inside}, inside(plain())));
    EXPECT_EQ(moved(to_neighbor(1, packet(Ipv6{.from = kOwnAddress, .next_header = kIpv6Inside}, ours))), 0U);
    EXPECT_EQ(programs_.drops(SS_DROP_LOOP), 2U);
    const auto first = packet(Ipv6{.from = kOwnAddress, .next_header = kIpv6Inside}, ours);
    EXPECT_EQ(moved(to_neighbor(1, first), 0), 1U) << "this node's own packet, by a route that encapsulates";
}

TEST_F(Egress, NothingReturnsToWhereItCameFromWithoutSegments) {
    auto forward = forward_list(kSpare);
    forward.ifindex = kIn;
    programs_.set_path(1, forward);
    all_down();
    EXPECT_EQ(moved(to_neighbor(1, plain()), kIn), 0U);
    EXPECT_EQ(programs_.drops(SS_DROP_U_TURN), 1U);
    EXPECT_EQ(programs_.egress(to_neighbor(1, plain()), kLan, kLink2).code, TC_ACT_REDIRECT);
}

// The answer comes in as from the neighbor, so the kernel delivers it, to this node or beyond.
TEST_F(Egress, SendersAreToldOfWhatDoesNotFit) {
    all_down();
    programs_.lists[1].mtu = 1500;
    const std::uint32_t room = 1500 - (40 + 8 + 16);
    const auto told = [&](const Bytes& bytes) {
        const auto result = programs_.egress(to_neighbor(1, bytes), kLan, kIn);
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        EXPECT_EQ(text_of(std::span(result.packet).first(12)), "0200000000fe020000000001");
        return result.packet;
    };
    const auto big = packet(Ipv6{.from = "2001:db8:5::1"}, udp(1, 2, 1452));
    const auto answer = told(big);
    EXPECT_EQ(text_of(std::span(answer).subspan(kEthernetLength + 24, 16)), text_of(address("2001:db8:5::1").bytes));
    EXPECT_EQ(answer.at(kEthernetLength + kIpv6Length), 2U);
    EXPECT_EQ(read_u16(answer, kEthernetLength + kIpv6Length + 6), room);

    const auto answer_v4 = told(packet(Ipv4{.to = "198.51.1.9"}, udp(1, 2, 1472)));
    EXPECT_EQ(text_of(std::span(answer_v4).subspan(kEthernetLength + 12, 4)), "c6330109")
        << "as from where its packets go: an address of this node would not be let in";
    EXPECT_EQ(read_u16(answer_v4, kEthernetLength + kIpv4Length + 6), room);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_PTB_SENT), 2U);
}

TEST_F(Egress, SoAreThoseBehindTheKernelsOwnEncapsulation) {
    all_down();
    programs_.lists[1].mtu = 1500;
    const std::vector<Address> list{address("fd00:b:d6::")};
    const auto inner = packet(Ipv6{.from = "2001:db8:5::1"}, udp(1, 2, 1400));
    const auto encapsulated = [&](std::string_view source) {
        const Ipv6 outer{.from = source, .to = "fd00:b:d6::", .next_header = kRouting};
        return to_neighbor(1, packet(outer, srh(kIpv6Inside, list, 0) + inside(inner)));
    };
    const auto result = programs_.egress(encapsulated(kOwnAddress), kLan, kIn);
    ASSERT_EQ(result.code, TC_ACT_REDIRECT);
    EXPECT_EQ(text_of(std::span(result.packet).subspan(kEthernetLength + 24, 16)),
              text_of(address("2001:db8:5::1").bytes));
    EXPECT_EQ(read_u16(result.packet, kEthernetLength + kIpv6Length + 6), 1500U - 2 * (40 + 8 + 16));
    EXPECT_EQ(text_of(std::span(result.packet).subspan(kEthernetLength + kIpv6Length + 8, 100)),
              text_of(std::span(inner).subspan(kEthernetLength, 100)));
}

}  // namespace
}  // namespace sidestep
