// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the egress program of the policy device: packets that the kernel routes into it leave by their policy, or not
// at all.
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Device : public Repairing {
  protected:
    void SetUp() override {
        Repairing::SetUp();
        if (IsSkipped()) return;
        back_up(encaps_list(kBackup, 2));
    }

    Bytes sent(const Bytes& packet) {
        const auto in_all = programs_.all_counters();
        const auto result = programs_.device(packet);
        EXPECT_EQ(result.code, TC_ACT_REDIRECT);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
        return result.packet;
    }
    // Checks that the packet is dropped and counted once.
    void expect_lost(const Bytes& packet, std::uint32_t counter) {
        const auto in_all = programs_.all_counters();
        const auto counted = programs_.counter(counter);
        EXPECT_EQ(programs_.device(packet).code, TC_ACT_SHOT);
        EXPECT_EQ(programs_.counter(counter), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
    }
    void expect_lost(const Bytes& packet, ss_drop drop) { expect_lost(packet, SS_COUNT_DROPS + drop); }
    void expect_lost(const Bytes& packet, ss_outcome outcome) { expect_lost(packet, SS_COUNT_OUTCOMES + outcome); }
};

// The kernel has counted the hop of packets that it forwards, and local packets have none.
TEST_F(Device, TheHopLimitStays) {
    for (const std::uint8_t hops : Bytes{1, 64, 255}) {
        const auto v6 = packet(Ipv6{.hop_limit = hops}, udp(1, 2, 100));
        const auto v4 = packet(Ipv4{.ttl = hops}, udp(1, 2, 100));
        for (const auto& in : {v6, v4}) {
            const auto out = sent(in);
            ASSERT_EQ(out.size(), in.size() + 40 + 8 + 32);
            EXPECT_EQ(text_of(std::span(out).subspan(kEthernetLength + 40 + 8 + 32)), text_of(inside(in)));
            EXPECT_EQ(out[kEthernetLength + 7], hops);
        }
    }
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 6U);
    expect_lost(packet(Ipv6{.hop_limit = 0}, udp(1, 2, 100)), SS_DROP_HOP_LIMIT);
}

TEST_F(Device, RepairActiveDoesNotMatter) {
    programs_.repair[0].active = 0;
    sent(packet(Ipv6{}, udp(1, 2, 100)));
}

// The kernel has replaced the addresses by which a neighbor could be told: none is sent back where it came from.
TEST_F(Device, ARepairWithoutSegmentsIsNotSentBack) {
    back_up(forward_list(kBackup));
    const auto forwarded = packet(Ipv6{}, udp(1, 2, 100));
    EXPECT_EQ(programs_.device(forwarded, kLoopback).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.stats(kSlot, 1).drops[SS_DROP_U_TURN], 1U);
    EXPECT_EQ(programs_.device(forwarded, kLoopback + 1).code, TC_ACT_REDIRECT);
    EXPECT_EQ(programs_.device(forwarded).code, TC_ACT_REDIRECT) << "of this node";
    back_up(encaps_list(kBackup, 1));
    EXPECT_EQ(programs_.device(forwarded, kLoopback).code, TC_ACT_REDIRECT) << "with segments";
}

// The kernel's route led here, so plain forwarding is to the neighbor itself.
TEST_F(Device, PlainForwardingIsToTheAdjacency) {
    programs_.states[kPrimary].rank = SS_UP;
    auto plain = forward_list(kPrimary);
    plain.mode = SS_MODE_PLAIN;
    programs_.set_path(0, plain);
    for (const auto& in : {packet(Ipv6{.hop_limit = 9}, udp(1, 2, 100)), packet(Ipv4{.ttl = 9}, udp(1, 2, 100))}) {
        auto expected = in;
        std::ranges::copy(kLink.neighbor, expected.begin());
        std::ranges::copy(kLink.own, expected.begin() + 6);
        EXPECT_EQ(text_of(sent(in)), text_of(expected));
    }
    EXPECT_EQ(programs_.stats(kSlot, 0).packets, 2U);
}

TEST_F(Device, PacketsThatNoCandidateTakesAreDropped) {
    const auto in = packet(Ipv6{}, udp(1, 2, 100));
    programs_.lower(kBackup);
    expect_lost(in, SS_DROP_NO_CANDIDATE);
    programs_.states[kPrimary].rank = SS_UP;  // plain, but to a neighbor whose address is not known
    expect_lost(in, SS_DROP_NO_CANDIDATE);
    EXPECT_EQ(programs_.stats(kSlot, 2).drops[SS_DROP_NO_CANDIDATE], 2U);
    EXPECT_EQ(programs_.stats(kSlot, 0).packets, 0U);
}

// IPsec policies have been applied when a packet is sent to the device.
TEST_F(Device, WhatTheKernelEncryptsIsTakenAfterIt) {
    programs_.set_prefix(*Prefix::parse("2001:db8:d::/48"), kSlot | kKernelFirst);
    const auto in = packet(Ipv6{}, udp(1, 2, 100));
    sent(in);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 1U);
    EXPECT_EQ(programs_.ingress(in).code, kPass);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_EXEMPT), 1U);
}

TEST_F(Device, PacketsInNoPolicyAreDropped) {
    expect_lost(packet(Ipv6{.to = "2001:db8:e::1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
    expect_lost(packet(Ipv4{.to = "198.51.100.1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
    expect_lost(packet(Ipv6{.to = "ff02::1"}, udp(1, 2, 100)), SS_OUTCOME_EXEMPT);
    programs_.set_prefix(*Prefix::parse("2001:db8:d::1"), SS_POLICY_EXEMPT);
    expect_lost(packet(Ipv6{}, udp(1, 2, 100)), SS_OUTCOME_EXEMPT);
}

TEST_F(Device, OtherFramesAreDropped) {
    auto arp = packet(Ipv6{}, udp(1, 2, 100));
    arp[13] = 0x06;
    arp[12] = 0x08;
    auto version = packet(Ipv6{}, udp(1, 2, 100));
    version[kEthernetLength] = 0x40;
    auto broken = packet(Ipv4{}, udp(1, 2, 100));
    broken[kEthernetLength] = 0x44;
    for (const auto& bytes : {arp, version, broken}) EXPECT_EQ(programs_.device(bytes).code, TC_ACT_SHOT);
    EXPECT_EQ(programs_.all_counters(), 0U);
}

// The device's MTU leaves room for the longest header, so the kernel has already told the sender.
TEST_F(Device, TooBigIsDroppedWithoutAMessage) {
    programs_.lists[1].mtu = 1000;
    expect_lost(packet(Ipv6{}, udp(1, 2, 1400)), SS_DROP_TOO_BIG);
}

TEST_F(Device, InsertionIsNotForAllPackets) {
    back_up(insert_list(kBackup, 1));
    const auto out = sent(packet(Ipv6{.hop_limit = 9}, udp(1, 2, 100)));
    EXPECT_EQ(out.at(kEthernetLength + 6), kRouting);
    EXPECT_EQ(out.at(kEthernetLength + 7), 9);
    expect_lost(packet(Ipv4{}, udp(1, 2, 100)), SS_DROP_CANNOT_INSERT);
}

TEST_F(Device, NoLoops) {
    const auto tagged = [](std::uint16_t tag, std::string_view from) {
        return packet(Ipv6{.from = from, .next_header = kRouting},
                      srh(kUdp, {address("2001:db8:d::1"), address("2001:db8:e::1")}, 1, tag) + udp(1, 2, 9));
    };
    expect_lost(tagged(0x5d02, "2001:db8:5::1"), SS_DROP_LOOP);
    sent(tagged(0x5d01, "2001:db8:5::1"));
    const auto own = own_source().to_string();
    sent(tagged(0, own));  // this node's own packet, not repaired yet
}

}  // namespace
}  // namespace sidestep
