// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests H.Insert and forwarding to another neighbor, against bytes written by hand.
#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Insert : public Repairing {};
class Forward : public Repairing {};

TEST_F(Insert, TwoSegmentsBeforeTcp) {
    back_up(insert_list(kBackup, 2));
    EXPECT_EQ(text_of(repaired(packet(Ipv6{.hop_limit = 9, .traffic_class = 0xb9, .next_header = kTcp}, tcp(1, 2, 4)))),
              text_of(hex(R"(02000000000c 02000000000a 86dd
        6b900000 0050 2b 08 20010db8000500000000000000000001 fc000001000000000000000000000001
        06 06 04 02 02 00 5d01
        20010db8000d00000000000000000001
        fc000002000000000000000000000001
        fc000001000000000000000000000001
        0001 0002 00000001 00000002 5010 1000 0000 0000 00010203)")));
}

TEST_F(Insert, OneSegmentBeforeUdp) {
    back_up(insert_list(kBackup, 1));
    EXPECT_EQ(text_of(repaired(packet(Ipv6{.hop_limit = 2}, udp(1, 2, 4)))),
              text_of(hex(R"(02000000000c 02000000000a 86dd
        60000000 0034 2b 01 20010db8000500000000000000000001 fc000001000000000000000000000001
        11 04 04 01 01 00 5d01
        20010db8000d00000000000000000001
        fc000001000000000000000000000001
        0001 0002 000c 0000 00010203)")));
}

// The packet's own SRH comes second, unchanged.
TEST_F(Insert, BeforeAnotherSrh) {
    back_up(insert_list(kBackup, 1));
    const auto in = packet(Ipv6{.hop_limit = 9, .next_header = kRouting},
                           srh(kUdp, {address("2001:db8:d::1"), address("2001:db8:e::1")}, 1, 0x5d01) + udp(1, 2, 4));
    EXPECT_EQ(text_of(repaired(in)), text_of(hex(R"(02000000000c 02000000000a 86dd
        60000000 005c 2b 08 20010db8000500000000000000000001 fc000001000000000000000000000001
        2b 04 04 01 01 00 5d02
        20010db8000d00000000000000000001
        fc000001000000000000000000000001
        11 04 04 01 01 00 5d01
        20010db8000e00000000000000000001
        20010db8000d00000000000000000001
        0001 0002 000c 0000 00010203)")));
}

TEST_F(Insert, AnyNumberOfSegments) {
    const auto payload = udp(1, 2, 777);
    for (unsigned count = 1; count < programs_.most_segments(); ++count) {
        SCOPED_TRACE(count);
        back_up(insert_list(kBackup, count));
        const auto out = repaired(packet(Ipv6{}, payload));
        auto list = segments(count);
        list.push_back(address("2001:db8:d::1"));
        Ipv6 ip{.hop_limit = 63, .next_header = kRouting};
        const auto first = list.front().to_string();
        ip.to = first;
        const auto expected = packet(ip, srh(kUdp, list, count, 0x5d01) + payload);
        EXPECT_EQ(text_of(inside(out)), text_of(inside(expected)));
    }
}

// RFC 8200, 4.1: hop-by-hop options come first. Destination options before the upper layer are for the last
// destination; that is still true after the SRH.
TEST_F(Insert, AfterHopByHopAndBeforeDestinationOptions) {
    back_up(insert_list(kBackup, 2));
    auto list = segments(2);
    list.push_back(address("2001:db8:d::1"));
    const auto rest = options(kUdp, 1) + udp(1, 2, 4);
    const Ipv6 in{.next_header = kDestinationOptions};
    const Ipv6 out{.to = "fc00:1::1", .hop_limit = 63, .next_header = kRouting};
    EXPECT_EQ(text_of(inside(repaired(packet(in, rest)))),
              text_of(inside(packet(out, srh(kDestinationOptions, list, 2, 0x5d01) + rest))));
    for (const std::uint8_t more : Bytes{0, 1, 7}) {
        SCOPED_TRACE(testing::Message() << "hop-by-hop options of " << 8 + 8 * more << " bytes");
        Ipv6 hop_in = in;
        Ipv6 hop_out = out;
        hop_in.next_header = hop_out.next_header = kHopByHop;
        EXPECT_EQ(text_of(inside(repaired(packet(hop_in, options(kDestinationOptions, more) + rest)))),
                  text_of(inside(
                      packet(hop_out, options(kRouting, more) + srh(kDestinationOptions, list, 2, 0x5d01) + rest))));
    }
}

TEST_F(Insert, NotAfterManyOptionsAndNotInIpv4) {
    back_up(insert_list(kBackup, 1));
    expect_passed(packet(Ipv6{.next_header = kHopByHop}, options(kUdp, 8) + udp(1, 2, 4)), SS_DROP_CANNOT_INSERT);
    expect_passed(packet(Ipv4{}, udp(1, 2, 4)), SS_DROP_CANNOT_INSERT);
    EXPECT_EQ(programs_.stats(kSlot, 1).drops[SS_DROP_CANNOT_INSERT], 2U);
    EXPECT_EQ(programs_.stats(kSlot, 1).packets, 0U);
}

TEST_F(Insert, WithABrokenHeaderThePacketIsDropped) {
    back_up(insert_list(kBackup, 1));
    unsigned dropped = 0;
    for (const unsigned length : {14, 21, 22, 37, SS_HEADER_MAX + 1}) {
        programs_.lists[1].header_length = static_cast<std::uint16_t>(length);
        const auto code = programs_.ingress(packet(Ipv6{}, udp(1, 2, 100))).code;
        EXPECT_EQ(code, programs_.takes_header(length) ? TC_ACT_SHOT : kPass) << length;
        dropped += code == TC_ACT_SHOT ? 1 : 0;
    }
    EXPECT_EQ(programs_.drops(SS_DROP_PUSH_FAILED), dropped);
}

TEST_F(Forward, MacsAndOneHopLess) {
    back_up(forward_list(kBackup));
    for (const auto& in : {packet(Ipv6{.hop_limit = 9, .traffic_class = 0xb9}, udp(1, 2, 100)),
                           packet(Ipv4{.ttl = 9, .tos = 0xb9, .protocol = kTcp}, tcp(1, 2, 100))}) {
        auto expected = in;
        std::ranges::copy(kLink.neighbor, expected.begin());
        std::ranges::copy(kLink.own, expected.begin() + 6);
        if (in[kEthernetLength] == 0x45) {
            expected[kEthernetLength + 8]--;
            expected[kEthernetLength + 10]++;  // RFC 1624; here without a carry
        } else {
            expected[kEthernetLength + 7]--;
        }
        EXPECT_EQ(text_of(repaired(in)), text_of(expected));
    }
}

}  // namespace
}  // namespace sidestep
