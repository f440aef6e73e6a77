// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests repair in the kernel: which packets are encapsulated, and every byte of those.
//
//   policy 1 of 2001:db8:d::/48    candidate 0: plain, session 0
//                                  candidate 1: H.Encaps by session 1
//                                  candidate 2: H.Encaps by session 2
#include <set>

#include <gtest/gtest.h>

#include "tests/bpf/programs.hpp"
#include "tests/bpf/ways.hpp"

namespace sidestep {
namespace {

Bytes backup(unsigned count) {
    return header_of(encaps_list(0, count));
}

class Repair : public testing::Test {
  protected:
    static constexpr std::uint32_t kElsewhere = 99;

    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        programs_.set_xdp_interface(kElsewhere, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
        programs_.set_path(0, plain_list(0));
        programs_.set_path(1, encaps_list(1, 2));
        programs_.set_path(2, encaps_list(2, 3));
        programs_.set_policy(1, {0, 1, 2});
        programs_.set_prefix(*Prefix::parse("2001:db8:d::/48"), 1);
    }

    // Checks that the packet is passed unchanged, and counted once, under `counter`.
    void expect_untouched(const Bytes& packet, std::uint32_t counter) {
        const auto counted = programs_.counter(counter);
        const auto in_all = programs_.all_counters();
        const auto result = programs_.ingress(packet);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, packet);
        EXPECT_EQ(programs_.counter(counter), counted + 1);
        EXPECT_EQ(programs_.all_counters(), in_all + 1);
    }
    void expect_untouched(const Bytes& packet, ss_outcome outcome) {
        expect_untouched(packet, SS_COUNT_OUTCOMES + outcome);
    }
    // The same for a drop of the policy's candidate at `position`.
    void expect_untouched(const Bytes& packet, ss_drop drop, std::uint32_t position) {
        const auto counted = programs_.stats(1, position);
        expect_untouched(packet, SS_COUNT_DROPS + drop);
        EXPECT_EQ(programs_.stats(1, position).drops[drop], counted.drops[drop] + 1);
        EXPECT_EQ(programs_.stats(1, position).packets, counted.packets);
    }

    Programs programs_;
};

// Expects header + the packet without its Ethernet header, with one hop less; length, class, hop limit and tag must be
// filled in. The flow label may be any.
void expect_encapsulated(const RunResult& result, Bytes header, const Bytes& packet) {
    ASSERT_EQ(result.code, TC_ACT_REDIRECT);
    ASSERT_EQ(result.packet.size(), header.size() + packet.size() - kEthernetLength);
    const auto payload = result.packet.size() - kEthernetLength - kIpv6Length;
    header[kEthernetLength] = packet[kEthernetLength];
    header[kEthernetLength + 1] = static_cast<std::uint8_t>(packet[kEthernetLength + 1] & 0xf0);
    header[kEthernetLength + 4] = static_cast<std::uint8_t>(payload >> 8);
    header[kEthernetLength + 5] = static_cast<std::uint8_t>(payload);
    header[kEthernetLength + 7] = static_cast<std::uint8_t>(packet[kEthernetLength + 7] - 1);
    header[kEthernetLength + kIpv6Length + 6] = 0x5d;
    header[kEthernetLength + kIpv6Length + 7] = 0x01;
    auto expected = header;
    append(expected, std::span(packet).subspan(kEthernetLength));
    expected[header.size() + 7]--;

    auto actual = result.packet;
    actual[kEthernetLength + 1] &= 0xf0;
    actual[kEthernetLength + 2] = 0;
    actual[kEthernetLength + 3] = 0;
    EXPECT_EQ(actual, expected);
}

TEST_F(Repair, NothingIsTouchedWhileAllSessionsAreUp) {
    programs_.states[0].rank = SS_DOWN;  // repair_active is still 0, and that is checked first
    const auto bytes = packet(Ipv6{}, udp(1, 2, 100));
    const auto result = programs_.ingress(bytes);
    EXPECT_EQ(result.code, kPass);
    EXPECT_EQ(result.packet, bytes);
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Repair, EncapsulatesWithAnyNumberOfSegments) {
    programs_.lower(0);
    for (const unsigned count : {1U, 2U, 3U, 5U, programs_.most_segments()}) {
        SCOPED_TRACE(count);
        programs_.set_path(1, encaps_list(1, count));
        for (const std::size_t length : {0, 1, 64, 1000}) {
            const auto bytes = packet(Ipv6{.hop_limit = 2, .traffic_class = 0xb9}, udp(1, 2, length));
            expect_encapsulated(programs_.ingress(bytes), backup(count), bytes);
        }
    }
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 20U);
    EXPECT_EQ(programs_.all_counters(), 20U);
}

TEST_F(Repair, CountsPacketsPerCandidate) {
    programs_.lower(0);
    const auto bytes = packet(Ipv6{}, udp(1, 2, 100));
    programs_.ingress(bytes);
    programs_.ingress(bytes);
    const auto sum = programs_.stats(1, 1);
    EXPECT_EQ(sum.packets, 2U);
    EXPECT_EQ(sum.bytes, 2 * (bytes.size() - kEthernetLength)) << "of the IP packet as it came";
    EXPECT_NE(sum.last_ns, 0U);
    for (const std::uint32_t other : {0, 2, 3}) EXPECT_EQ(programs_.stats(1, other).packets, 0U) << other;
}

TEST_F(Repair, AFlowKeepsItsLabelAndFlowsDiffer) {
    programs_.lower(0);
    std::set<std::vector<std::uint8_t>> labels;
    for (std::uint16_t port = 1; port <= 8; ++port) {
        const auto label = [&](std::size_t length) {
            const auto out = programs_.ingress(packet(Ipv6{}, udp(port, 2, length))).packet;
            return Bytes{static_cast<std::uint8_t>(out.at(15) & 0xf), out.at(16), out.at(17)};
        };
        EXPECT_EQ(label(10), label(500));
        labels.insert(label(10));
    }
    EXPECT_GT(labels.size(), 4U);
}

TEST_F(Repair, TakesTheSecondBackupWhenTheFirstIsDownToo) {
    programs_.lower(0);
    programs_.lower(1);
    const auto bytes = packet(Ipv6{}, udp(1, 2, 100));
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
}

TEST_F(Repair, PrefersUpToDegradedAndDegradedToDown) {
    const auto bytes = packet(Ipv6{}, udp(1, 2, 100));
    programs_.lower(0);
    programs_.lower(1, SS_DEGRADED);
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
    programs_.lower(2);
    expect_encapsulated(programs_.ingress(bytes), backup(2), bytes);
}

TEST_F(Repair, SkipsAnUnusableCandidate) {
    programs_.lists[1].mode = SS_MODE_UNUSABLE;
    programs_.lower(0);
    const auto bytes = packet(Ipv6{}, udp(1, 2, 100));
    expect_encapsulated(programs_.ingress(bytes), backup(3), bytes);
}

TEST_F(Repair, LeavesPlainForwardingToTheKernel) {
    programs_.lower(1);  // a session is down, but not that of this policy's first candidate
    expect_untouched(packet(Ipv6{}, udp(1, 2, 100)), SS_OUTCOME_PLAIN);
}

TEST_F(Repair, LeavesPacketsInNoPolicyToTheKernel) {
    programs_.lower(0);
    expect_untouched(packet(Ipv6{.to = "2001:db8:e::1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
    programs_.set_prefix(*Prefix::parse("2001:db8:e::/48"), 7777);
    expect_untouched(packet(Ipv6{.to = "2001:db8:e::1"}, udp(1, 2, 100)), SS_OUTCOME_NO_POLICY);
}

TEST_F(Repair, LeavesExemptPacketsToTheKernel) {
    programs_.lower(0);
    programs_.set_prefix(*Prefix::parse("2001:db8:d::1"), SS_POLICY_EXEMPT);
    expect_untouched(packet(Ipv6{}, udp(1, 2, 100)), SS_OUTCOME_EXEMPT);
}

TEST_F(Repair, LeavesExpiringPacketsToTheKernel) {
    programs_.lower(0);
    for (const std::uint8_t hops : Bytes{0, 1})
        expect_untouched(packet(Ipv6{.hop_limit = hops}, udp(1, 2, 100)), SS_DROP_HOP_LIMIT, 1);
}

// Sent back without segments, it would come again: the neighbor has repaired it already, or knows no other way.
TEST_F(Repair, NeverSendsAPacketBackAsItIs) {
    programs_.lower(0);
    programs_.set_path(1, forward_list(1));
    auto from_neighbor = packet(Ipv6{}, udp(1, 2, 100));
    std::ranges::copy(kLink.neighbor, from_neighbor.begin() + 6);
    expect_untouched(from_neighbor, SS_DROP_U_TURN, 1);
    auto v4 = packet(Ipv4{}, udp(1, 2, 100));
    std::ranges::copy(kLink.neighbor, v4.begin() + 6);
    programs_.set_prefix(*Prefix::parse("203.0.113.0/24"), 1);
    expect_untouched(v4, SS_DROP_U_TURN, 1);

    auto from_another = from_neighbor;
    from_another[11] ^= 1;
    EXPECT_EQ(programs_.ingress(from_another).code, TC_ACT_REDIRECT) << "on a LAN, to another one";
    programs_.lists[1].ifindex = kElsewhere;
    EXPECT_EQ(programs_.ingress(from_neighbor).code, TC_ACT_REDIRECT) << "by another interface";
    programs_.set_path(1, encaps_list(1, 2));
    EXPECT_EQ(programs_.ingress(from_neighbor).code, TC_ACT_REDIRECT) << "a list may begin with the way back";
}

TEST_F(Repair, LeavesPacketsWithoutCandidateToTheKernel) {
    for (const unsigned session : {0, 1, 2}) programs_.lower(session);
    expect_untouched(packet(Ipv6{}, udp(1, 2, 100)), SS_DROP_NO_CANDIDATE, 3);
}

TEST_F(Repair, LeavesOtherProtocolsAlone) {
    programs_.lower(0);
    auto ipv4 = packet(Ipv6{}, udp(1, 2, 100));
    ipv4[12] = 0x08;
    ipv4[13] = 0x00;
    auto version = packet(Ipv6{}, udp(1, 2, 100));
    version[kEthernetLength] = 0x40;
    for (const auto& bytes : {ipv4, version}) {
        const auto result = programs_.ingress(bytes);
        EXPECT_EQ(result.code, kPass);
        EXPECT_EQ(result.packet, bytes);
    }
    EXPECT_EQ(programs_.all_counters(), 0U);
}

TEST_F(Repair, WithABrokenHeaderThePacketIsDropped) {
    programs_.lower(0);
    unsigned dropped = 0;
    for (const unsigned length : {0, 13, 14, 53, SS_HEADER_MAX + 1, 0xffff}) {
        programs_.lists[1].header_length = static_cast<std::uint16_t>(length);
        const auto code = programs_.ingress(packet(Ipv6{}, udp(1, 2, 100))).code;
        EXPECT_EQ(code, programs_.takes_header(length) ? TC_ACT_SHOT : kPass) << length;
        dropped += code == TC_ACT_SHOT ? 1 : 0;
    }
    EXPECT_EQ(programs_.drops(SS_DROP_PUSH_FAILED), dropped) << "every drop is counted";
    EXPECT_EQ(programs_.stats(1, 1).drops[SS_DROP_PUSH_FAILED], dropped);
    EXPECT_EQ(programs_.outcomes(SS_OUTCOME_REPAIRED), 0U);
}

}  // namespace
}  // namespace sidestep
