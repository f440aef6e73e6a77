// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests End.DT4, End.DT6 and End.DT46: who may send to them, the packet that comes out, and its further path.
#include "tests/bpf/tunnels.hpp"

namespace sidestep {
namespace {

using Decap = Tunnels;

TEST_F(Decap, EachBehaviorUnwrapsItsFamily) {
    expect_unwrapped(tunnel(kDt46, v6_), v6_);
    expect_unwrapped(tunnel(kDt46, v4_), v4_);
    expect_unwrapped(tunnel(kDt6, v6_), v6_);
    expect_unwrapped(tunnel(kDt4, v4_), v4_);
    expect_dropped(tunnel(kDt6, v4_), SS_OUTCOME_SID_FAILED);
    expect_dropped(tunnel(kDt4, v6_), SS_OUTCOME_SID_FAILED);
}

// What was repaired on its way here, and is repaired once more, has the count of both.
TEST_F(Decap, TheCountOfRepairsStays) {
    back_up(encaps_list(kBackup, 2));
    programs_.lower(kPrimary);
    const auto repaired_tunnel = [](std::uint8_t repairs, const Bytes& inner) {
        const auto tag = static_cast<std::uint16_t>(SS_REPAIR_TAG | repairs);
        return packet(Ipv6{.from = kInside, .to = kDt46, .next_header = kRouting},
                      srh(inner[kEthernetLength] >> 4 == 4 ? kIpv4Inside : kIpv6Inside, {address(kDt46)}, 0, tag) +
                          inside(inner));
    };
    for (const auto& inner : {packet(Ipv6{}, udp(1, 2, 9)), packet(Ipv4{}, udp(1, 2, 9))}) {
        for (const std::uint8_t repairs : Bytes{0, 1}) {
            const auto result = programs_.ingress(repaired_tunnel(repairs, inner));
            EXPECT_EQ(result.code, TC_ACT_REDIRECT);
            EXPECT_EQ(result.packet.at(kEthernetLength + kIpv6Length + 7), repairs + 1);
        }
        const auto looped = programs_.drops(SS_DROP_LOOP);
        const auto result = programs_.ingress(repaired_tunnel(SS_MAX_REPAIRS, inner));
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(inner));
        EXPECT_EQ(programs_.drops(SS_DROP_LOOP), looped + 1);
    }
}

TEST_F(Decap, TheMacAddressesStay) {
    auto in = tunnel(kDt46, v4_);
    auto expected = v4_;
    const auto other = hex("02aabbccddee");
    std::ranges::copy(other, in.begin() + 6);
    std::ranges::copy(other, expected.begin() + 6);
    expect_unwrapped(in, expected);
}

TEST_F(Decap, AfterAnSrhOfAnyLength) {
    for (unsigned count = 0; count < SS_MAX_SEGMENTS; ++count) {
        SCOPED_TRACE(count);
        std::vector<std::string> names;
        for (const auto& segment : segments(count)) names.push_back(segment.to_string());
        std::vector<std::string_view> list(names.begin(), names.end());
        list.push_back(kDt46);
        expect_unwrapped(tunnel_by_srh(list, 0, v6_), v6_);
        expect_unwrapped(tunnel_by_srh(list, 0, v4_), v4_);
    }
}

// By default, ip6tnl puts destination options (a tunnel encapsulation limit, RFC 2473, 4.1.1) before the inner packet.
TEST_F(Decap, WithOptionsAnywhere) {
    const auto around = [](std::uint8_t first, const Bytes& rest) {
        return packet(Ipv6{.from = kInside, .to = kDt46, .next_header = first}, rest);
    };
    const std::vector<Address> list{address("fc00::9"), address(kDt46)};
    for (const auto* inner : {&v6_, &v4_}) {
        const auto kind = inner == &v6_ ? kIpv6Inside : kIpv4Inside;
        const auto payload = inside(*inner);
        for (const std::uint8_t first : {kHopByHop, kDestinationOptions}) {
            expect_unwrapped(around(first, options(kind) + payload), *inner);
            expect_unwrapped(around(first, options(kind, 3) + payload), *inner);
            expect_unwrapped(around(first, options(kRouting) + srh(kind, list, 0) + payload), *inner);
        }
        expect_unwrapped(around(kRouting, srh(kDestinationOptions, list, 0) + options(kind) + payload), *inner);
        expect_unwrapped(around(kHopByHop, options(kDestinationOptions) + options(kRouting) +
                                               srh(kDestinationOptions, list, 0) + options(kind) + payload),
                         *inner);
    }
    // Not a tunnel, and nothing that anybody would send: left to the kernel.
    const auto plain = around(kDestinationOptions, options(kUdp) + udp(1, 2, 3));
    EXPECT_EQ(text_of(programs_.ingress(plain).packet), text_of(plain));
    Bytes many;
    for (int i = 0; i < 20; ++i) many = many + options(kDestinationOptions);
    const auto deep = around(kDestinationOptions, many + options(kIpv6Inside) + inside(v6_));
    EXPECT_EQ(text_of(programs_.ingress(deep).packet), text_of(deep));
}

// A fragment is not the whole packet, and what AH covers must be verified first.
TEST_F(Decap, NotForFragmentsAndNotAfterAh) {
    for (const std::uint8_t first : Bytes{44, 51}) {
        const auto in = packet(Ipv6{.from = kInside, .to = kDt46, .next_header = first},
                               Bytes{kIpv6Inside, 0, 0, 0, 0, 0, 0, 1} + inside(v6_));
        const auto result = programs_.ingress(in);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(in));
    }
}

// RFC 8200, 4.4: a routing header with segments left is processed before anything that follows it.
TEST_F(Decap, NotWithASecondRoutingHeaderUnfinished) {
    const std::vector<Address> list{address("fc00::9"), address(kDt46)};
    const auto in = packet(Ipv6{.from = kInside, .to = kDt46, .next_header = kRouting},
                           srh(kRouting, list, 0) + srh(kIpv6Inside, list, 1) + inside(v6_));
    programs_.ingress(in);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_DECAPSULATED), 0U);
}

// A session's own probe that arrives in a neighbor's tunnel is recorded. Other nodes' probes are never repaired, in a
// tunnel or not.
TEST_F(Decap, AProbeInside) {
    open_session(programs_, 3, address("2001:db8:ab::a"));
    programs_.sessions[3].tx.sequence = 100;
    const auto probe = returned_probe(programs_, 3, 100, 0);
    for (const auto& in : {tunnel(kDt46, probe), tunnel_by_srh({"fc00::9", kDt46}, 0, probe)}) {
        programs_.sessions[3].rx = {};
        EXPECT_EQ(programs_.ingress(in).code, TC_ACT_STOLEN);
        EXPECT_EQ(programs_.sessions[3].rx.newest, 100U);
    }
    programs_.lower(kPrimary);
    const auto others = packet(Ipv6{}, udp(1, SS_PROBE_PORT, 99));
    EXPECT_EQ(programs_.ingress(others).code, kPass);
    const auto unwrapped = programs_.ingress(tunnel(kDt46, others));
    EXPECT_EQ(unwrapped.code, kPass);
    EXPECT_EQ(text_of(unwrapped.packet), text_of(others));
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 0U);
}

TEST_F(Decap, SmallAndLargePackets) {
    for (const std::size_t length : {0, 1, 20, 1400, 3000}) {
        SCOPED_TRACE(length);
        const auto v6 = packet(Ipv6{}, udp(1, 2, length));
        const auto v4 = packet(Ipv4{}, udp(1, 2, length));
        expect_unwrapped(tunnel(kDt46, v6), v6);
        expect_unwrapped(tunnel(kDt46, v4), v4);
    }
}

TEST_F(Decap, NotForOutsiders) {
    expect_dropped(tunnel(kDt46, v6_, "2001:db8:b::1"), SS_OUTCOME_NOT_IN_DOMAIN);
    expect_unwrapped(tunnel(kDt46, v6_, "2001:db8:a:ffff::1"), v6_);
    programs_.set_domain({});
    expect_dropped(tunnel(kDt46, v6_), SS_OUTCOME_NOT_IN_DOMAIN);
    programs_.set_domain({*Prefix::parse("::/0")});
    expect_unwrapped(tunnel(kDt46, v6_), v6_);
}

TEST_F(Decap, NotByAnInterfaceWithoutAnAdjacency) {
    ss_hop hop{.ifindex = kLoopback, .gateway = {}};
    ASSERT_EQ(bpf_map__delete_elem(programs_.maps().ss_adjacencies, &hop, sizeof hop, 0), 0);
    expect_dropped(tunnel(kDt46, v6_), SS_OUTCOME_NOT_IN_DOMAIN);
}

TEST_F(Decap, TheInnerPacketMustBeAPacket) {
    auto version = tunnel(kDt46, v6_);
    version[kEthernetLength + kIpv6Length] = 0x45;
    expect_dropped(version, SS_OUTCOME_SID_FAILED);
    auto header = tunnel(kDt46, v4_);
    header[kEthernetLength + kIpv6Length] = 0x44;
    expect_dropped(header, SS_OUTCOME_SID_FAILED);
    auto total = tunnel(kDt46, v4_);
    total[kEthernetLength + kIpv6Length + 3] = 19;
    total[kEthernetLength + kIpv6Length + 2] = 0;
    expect_dropped(total, SS_OUTCOME_SID_FAILED);
    auto cut = tunnel(kDt46, v6_);
    cut.resize(kEthernetLength + kIpv6Length + kIpv6Length - 1);
    expect_dropped(cut, SS_OUTCOME_SID_FAILED);
    const auto nothing = packet(Ipv6{.from = kInside, .to = kDt46, .next_header = kIpv4Inside}, {});
    expect_dropped(nothing, SS_OUTCOME_SID_FAILED);
    const auto other = packet(Ipv6{.from = kInside, .to = kDt46, .next_header = kRouting},
                              srh(kUdp, {address(kDt46)}, 0) + udp(1, 2, 3));
    expect_dropped(other, SS_OUTCOME_SID_FAILED);
}

// RFC 8986, 4.6: with segments left, it is an error that the kernel answers.
TEST_F(Decap, SegmentsLeftAreLeftToTheKernel) {
    const auto in = tunnel_by_srh({kDt46, "fc00::9"}, 1, v6_);
    const auto result = programs_.ingress(in);
    EXPECT_EQ(result.code, kPass);
    EXPECT_EQ(text_of(result.packet), text_of(in));
}

TEST_F(Decap, OtherPacketsAreLeftToTheKernel) {
    const auto in = packet(Ipv6{.from = kInside, .to = kDt46}, udp(1, 2, 3));
    EXPECT_EQ(text_of(programs_.ingress(in).packet), text_of(in));
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Decap, AfterEndAndInAContainer) {
    expect_unwrapped(tunnel_by_srh({kEnd, kDt46}, 1, v6_), v6_);
    expect_unwrapped(tunnel_by_srh({kEnd, kEnd, kDt46}, 2, v4_), v4_);
    programs_.set_sid(
        *Prefix::parse("fcbb:bbbb:a::/48"),
        {.behavior = SS_END, .flavors = SS_FLAVOR_NEXT_CSID, .block_bits = 32, .function_bits = 16, .adjacency = {}});
    programs_.set_sid(*Prefix::parse("fcbb:bbbb:a:d46::/64"),
                      {.behavior = SS_END_DT46, .flavors = 0, .block_bits = 0, .function_bits = 0, .adjacency = {}});
    expect_unwrapped(tunnel("fcbb:bbbb:a:d46::", v6_), v6_);
    expect_unwrapped(tunnel("fcbb:bbbb:a:a:d46::", v4_), v4_);
}

// RFC 8986, 4.16.3: what ends at an End with USD is unwrapped, in a container only behind its last SID.
TEST_F(Decap, UsdUnwrapsAtTheLastSegment) {
    for (const auto& inner : {v6_, v4_}) {
        expect_unwrapped(tunnel(kUsd, inner), inner);
        expect_unwrapped(tunnel_by_srh({"fc00::9", kUsd}, 0, inner), inner);
        expect_unwrapped(tunnel_by_srh({kEnd, kUsd}, 1, inner), inner);
        expect_unwrapped(tunnel("fd00:a:c::", inner), inner);
    }
    expect_dropped(tunnel(kUsd, v6_, "2001:db8:5::1"), SS_OUTCOME_NOT_IN_DOMAIN);
    for (const auto& left_alone : {tunnel("fd00:a:c:b::", v6_), tunnel_by_srh({kUsd, "fc00::9"}, 1, v6_),
                                   tunnel(kEnd, v6_), tunnel(kUsp, v6_)}) {
        const auto result = programs_.ingress(left_alone);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(text_of(result.packet), text_of(left_alone));
    }
}

// RFC 8986, 4.16.2: the rest is for this node.
TEST_F(Decap, UspRemovesTheSrhAtTheLastSegment) {
    const auto with_srh = [](std::string_view sid, std::size_t left) {
        const std::vector<Address> list{address("fc00::9"), address(sid), address("fc00::8")};
        const std::vector<Address> last(list.begin(), list.begin() + 2);
        return packet(Ipv6{.from = kInside, .to = sid, .next_header = kRouting},
                      srh(kUdp, left == 0 ? last : list, left) + udp(1, 2, 50));
    };
    const auto result = programs_.ingress(with_srh(kUsp, 0));
    EXPECT_EQ(result.code, kPass);
    EXPECT_EQ(text_of(result.packet), text_of(packet(Ipv6{.from = kInside, .to = kUsp}, udp(1, 2, 50))));
    for (const auto& left_alone : {with_srh(kUsp, 1), with_srh(kEnd, 0), with_srh(kUsd, 0)}) {
        const auto other = programs_.ingress(left_alone);
        EXPECT_EQ(other.code, kPass);
        EXPECT_EQ(text_of(other.packet), text_of(left_alone));
    }
}

TEST_F(Decap, TheInnerPacketIsSteered) {
    programs_.lower(kPrimary);
    for (const auto& inner : {packet(Ipv6{}, udp(1, 2, 3)), packet(Ipv4{}, udp(1, 2, 3))}) {
        const auto plain = programs_.ingress(inner);
        const auto result = programs_.ingress(tunnel(kDt46, inner));
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        EXPECT_EQ(text_of(without_label(result.packet)), text_of(without_label(plain.packet)));
    }
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_DECAPSULATED), 2U);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 4U);
    const auto elsewhere = programs_.ingress(tunnel(kDt46, v4_));
    EXPECT_EQ(elsewhere.code, kPass);
    EXPECT_EQ(text_of(elsewhere.packet), text_of(v4_));
}

}  // namespace
}  // namespace sidestep
