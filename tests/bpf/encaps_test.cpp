// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests H.Encaps and H.Encaps.Red in the kernel (RFC 8986, 5.1 and 5.2), around IPv6 and IPv4, against bytes written by
// hand.
#include <set>

#include "tests/bpf/repairing.hpp"

namespace sidestep {
namespace {

class Encaps : public Repairing {};

// A datagram of four bytes from port 1 to port 2, with DSCP EF and ECN ECT(1).
const Bytes kIpv6Packet = packet(Ipv6{.hop_limit = 9, .traffic_class = 0xb9}, udp(1, 2, 4));
const Bytes kIpv4Packet = packet(Ipv4{.ttl = 9, .tos = 0xb9}, udp(1, 2, 4));

// The same packets as they must be inside, one hop less.
constexpr std::string_view kIpv6Inner = R"(
    6b900000 000c 11 08 20010db8000500000000000000000001 20010db8000d00000000000000000001
    0001 0002 000c 0000 00010203)";
constexpr std::string_view kIpv4Inner = R"(
    45 b9 0020 1234 4000 08 11 61dd c0000201 cb007101
    0001 0002 000c 0000 00010203)";

Bytes by_hand(std::string_view outer, std::string_view inner) {
    return hex("02000000000c 02000000000a 86dd") + hex(outer) + hex(inner);
}

TEST_F(Encaps, ThreeSegments) {
    back_up(encaps_list(kBackup, 3));
    EXPECT_EQ(text_of(without_label(repaired(kIpv6Packet))), text_of(by_hand(R"(
        6b900000 006c 2b 08 20010db8000a00000000000000000001 fc000001000000000000000000000001
        29 06 04 02 02 00 5d01
        fc000003000000000000000000000001
        fc000002000000000000000000000001
        fc000001000000000000000000000001)",
                                                                             kIpv6Inner)));
    EXPECT_EQ(text_of(without_label(repaired(kIpv4Packet))), text_of(by_hand(R"(
        6b900000 0058 2b 08 20010db8000a00000000000000000001 fc000001000000000000000000000001
        04 06 04 02 02 00 5d01
        fc000003000000000000000000000001
        fc000002000000000000000000000001
        fc000001000000000000000000000001)",
                                                                             kIpv4Inner)));
}

TEST_F(Encaps, ThreeSegmentsReduced) {
    back_up(encaps_list(kBackup, 3, true));
    EXPECT_EQ(text_of(without_label(repaired(kIpv6Packet))), text_of(by_hand(R"(
        6b900000 005c 2b 08 20010db8000a00000000000000000001 fc000001000000000000000000000001
        29 04 04 02 01 00 5d01
        fc000003000000000000000000000001
        fc000002000000000000000000000001)",
                                                                             kIpv6Inner)));
    EXPECT_EQ(text_of(without_label(repaired(kIpv4Packet))), text_of(by_hand(R"(
        6b900000 0048 2b 08 20010db8000a00000000000000000001 fc000001000000000000000000000001
        04 04 04 02 01 00 5d01
        fc000003000000000000000000000001
        fc000002000000000000000000000001)",
                                                                             kIpv4Inner)));
}

TEST_F(Encaps, OneSegmentReducedNeedsNoSrh) {
    back_up(encaps_list(kBackup, 1, true));
    EXPECT_EQ(text_of(without_label(repaired(kIpv6Packet))), text_of(by_hand(R"(
        6b900000 0034 29 08 20010db8000a00000000000000000001 fc000001000000000000000000000001)",
                                                                             kIpv6Inner)));
    EXPECT_EQ(text_of(without_label(repaired(kIpv4Packet))), text_of(by_hand(R"(
        6b900000 0020 04 08 20010db8000a00000000000000000001 fc000001000000000000000000000001)",
                                                                             kIpv4Inner)));
}

// RFC 8986, 5.1: the list follows the outer header, whatever its length.
TEST_F(Encaps, AnyNumberOfSegments) {
    for (unsigned count = 1; count <= programs_.most_segments(); ++count) {
        for (const bool reduced : {false, true}) {
            for (const bool v4 : {false, true}) {
                SCOPED_TRACE(testing::Message() << count << " segments, reduced " << reduced << ", IPv4 " << v4);
                const auto list = encaps_list(kBackup, count, reduced);
                back_up(list);
                const auto payload = v4 ? tcp(1, 2, 777) : udp(1, 2, 777);
                const auto in = v4 ? packet(Ipv4{.protocol = kTcp}, payload) : packet(Ipv6{}, payload);
                const auto out = repaired(in);
                const auto listed = count - (reduced ? 1 : 0);
                const std::size_t header = kEthernetLength + kIpv6Length + (listed != 0 ? 8 + 16UL * listed : 0);
                ASSERT_EQ(out.size(), header + in.size() - kEthernetLength);
                EXPECT_EQ(read_u16(out, kEthernetLength + 4), out.size() - kEthernetLength - kIpv6Length);
                EXPECT_TRUE(std::equal(payload.begin(), payload.end(), out.end() - static_cast<long>(payload.size())));
                EXPECT_EQ(out[(listed != 0 ? kEthernetLength + kIpv6Length : kEthernetLength + 6)],
                          v4 ? kIpv4Inside : kIpv6Inside);
                if (listed == 0) continue;
                EXPECT_EQ(out[kEthernetLength + kIpv6Length + 1], 2 * listed);  // length
                EXPECT_EQ(out[kEthernetLength + kIpv6Length + 3], count - 1);   // segments left
                EXPECT_EQ(out[kEthernetLength + kIpv6Length + 4], listed - 1);  // last entry
                const auto last = std::span(out).subspan(kEthernetLength + kIpv6Length + 8, 16);
                EXPECT_EQ(text_of(last), text_of(segments(count).back().bytes));
            }
        }
    }
}

// RFC 6040, 4.1, and RFC 2983: the outer header has the class of the inner one, all eight bits.
TEST_F(Encaps, TheClassIsCopiedFromThePacket) {
    back_up(encaps_list(kBackup, 1));
    for (unsigned value = 0; value < 256; ++value) {
        const auto octet = static_cast<std::uint8_t>(value);
        for (const auto& in :
             {packet(Ipv6{.traffic_class = octet}, udp(1, 2, 1)), packet(Ipv4{.tos = octet}, udp(1, 2, 1))}) {
            const auto out = repaired(in);
            ASSERT_EQ(read_u16(out, kEthernetLength) >> 4, 0x600U | octet);
        }
    }
}

// For every TTL, the checksum is updated, including carries.
TEST_F(Encaps, TheChecksumOfIpv4IsRight) {
    back_up(encaps_list(kBackup, 2));
    for (unsigned value = 2; value < 256; ++value) {
        for (const std::uint8_t tos : Bytes{0x00, 0x01, 0x5c, 0xff}) {
            const auto out = repaired(packet(Ipv4{.ttl = static_cast<std::uint8_t>(value), .tos = tos}, udp(1, 2, 1)));
            const auto inner = std::span(out).subspan(kEthernetLength + kIpv6Length + 8 + 32);
            ASSERT_EQ(inner[8], value - 1);
            ASSERT_EQ(internet_checksum(inner.first(kIpv4Length)), 0U) << value;
            ASSERT_EQ(out[kEthernetLength + 7], value - 1) << "the hop limit is copied from the packet";
        }
    }
}

TEST_F(Encaps, AnIpv4FlowKeepsItsLabelAndFlowsDiffer) {
    back_up(encaps_list(kBackup, 1));
    std::set<Bytes> labels;
    for (std::uint16_t port = 1; port <= 8; ++port) {
        const auto label = [&](std::size_t length) {
            const auto out = repaired(packet(Ipv4{}, udp(port, 2, length)));
            return Bytes{static_cast<std::uint8_t>(out.at(15) & 0xf), out.at(16), out.at(17)};
        };
        EXPECT_EQ(label(10), label(500));
        labels.insert(label(10));
    }
    EXPECT_GT(labels.size(), 4U);
}

// IPv4 options stay inside, untouched.
TEST_F(Encaps, Ipv4WithOptions) {
    back_up(encaps_list(kBackup, 1, true));
    auto in = hex(R"(000000000000 000000000000 0800
        46 00 0024 0000 0000 40 11 0000 c0000201 cb007101 94040000
        0001 0002 000c 0000 00010203)");
    const auto checksum = internet_checksum(std::span(in).subspan(kEthernetLength, 24));
    in[24] = static_cast<std::uint8_t>(checksum >> 8);
    in[25] = static_cast<std::uint8_t>(checksum);
    const auto out = repaired(in);
    auto expected = inside(in);
    expected[8]--;
    ASSERT_EQ(internet_checksum(std::span(out).subspan(kEthernetLength + kIpv6Length, 24)), 0U);
    expected[10] = out.at(kEthernetLength + kIpv6Length + 10);
    expected[11] = out.at(kEthernetLength + kIpv6Length + 11);
    EXPECT_EQ(text_of(std::span(out).subspan(kEthernetLength + kIpv6Length)), text_of(expected));
}

}  // namespace
}  // namespace sidestep
