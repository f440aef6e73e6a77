// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests header bytes against bytes written by hand.
#include "detector/core/headers.hpp"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bytes.hpp"

namespace sidestep {
namespace {

const LinkAddresses kLink{.own = {0x02, 0, 0, 0, 0, 0x0a}, .neighbor = {0x02, 0, 0, 0, 0, 0x0b}};

// Segments fc00:1::1, fc00:2::1, ... in travel order.
std::vector<Address> segments(unsigned count) {
    std::vector<Address> result;
    for (unsigned i = 1; i <= count; ++i) {
        auto segment = address("fc00::1");
        segment.bytes[3] = static_cast<std::uint8_t>(i);
        result.push_back(segment);
    }
    return result;
}

TEST(Wire, ProbeByPlainForwarding) {
    const auto probe = make_probe(kLink, address("2001:db8:a::1"), address("2001:db8:ab::a"), {}, 0x0123);
    EXPECT_EQ(probe.udp_offset, 54);
    EXPECT_EQ(probe.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        6c000123 0040 11 ff
        20010db8000a00000000000000000001
        20010db800ab0000000000000000000a
        c123 035e 0040 0000
        00000000 00000000 00000000 4001 0123
        00000000000000000000000000000000000000000000000000000000
        80 fc 0008 0000000000000000)"));
}

// Its checksum covers the header alone; identification 0 and DF, as for a packet that is never fragmented (RFC 6864, 4.1).
TEST(Wire, ProbeByIpv4) {
    const auto probe = make_probe(kLink, address("192.0.2.1"), address("10.0.1.1"), {}, 0x0123, 0, 0xb8);
    EXPECT_EQ(probe.udp_offset, 34);
    EXPECT_EQ(probe.length, probe.bytes.size());
    EXPECT_EQ(probe.bytes, hex(R"(
        02000000000b 02000000000a 0800
        45 b8 0054 0000 4000 ff 11 adde
        c0000201 0a000101
        c123 035e 0040 0000
        00000000 00000000 00000000 4001 0123
        00000000000000000000000000000000000000000000000000000000
        80 fc 0008 0000000000000000)"));
    EXPECT_EQ(make_probe(kLink, address("192.0.2.1"), address("10.0.1.1"), {}, 0, 1500).length, 14 + 1500);
}

TEST(Wire, ProbeThroughASegmentListEndsAtTheReturnAddress) {
    const auto list = segments(2);
    const auto probe =
        make_probe(kLink, address("2001:db8:a::1"), address("2001:db8:ab::a"), {.encaps = {}, .back = list}, 0x0fff);
    EXPECT_EQ(probe.udp_offset, 14 + 40 + 8 + 3 * 16);
    EXPECT_EQ(probe.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        6c000fff 0078 2b ff
        20010db8000a00000000000000000001
        fc000001000000000000000000000001
        11 06 04 02 02 00 0000
        20010db800ab0000000000000000000a
        fc000002000000000000000000000001
        fc000001000000000000000000000001
        cfff 035e 0040 0000
        00000000 00000000 00000000 4001 0fff
        00000000000000000000000000000000000000000000000000000000
        80 fc 0008 0000000000000000)"));
}

TEST(Wire, AProbeEncapsulatedAsData) {
    const auto list = segments(2);
    const ProbePath way{.encaps = list, .back = {}};
    const auto probe = make_probe(kLink, address("2001:db8:a::1"), address("2001:db8:ab::a"), way, 5);
    EXPECT_EQ(probe.length, probe.bytes.size());
    EXPECT_EQ(probe.udp_offset, 14 + 40 + 40 + 40);
    EXPECT_EQ(Bytes(probe.bytes.begin(), probe.bytes.begin() + 14 + 40 + 40 + 40), hex(R"(
        02000000000b 02000000000a 86dd
        6c000005 0090 2b 40
        20010db8000a00000000000000000001
        fc000001000000000000000000000001
        29 04 04 01 01 00 0000
        fc000002000000000000000000000001
        fc000001000000000000000000000001
        6c000005 0040 11 ff
        20010db8000a00000000000000000001
        20010db800ab0000000000000000000a)"));
}

// The class is the same in its own header and the outer one, so that the probe uses the same queue everywhere.
TEST(Wire, TheTrafficClassOfAProbeIsThatOfAllItsHeaders) {
    const auto list = segments(2);
    const ProbePath path{.encaps = list, .back = list};
    for (const unsigned traffic_class : {0U, 0x01U, 0x2eU << 2, 0xffU}) {
        const auto probe = make_probe(kLink, {}, {}, path, 5, 0, static_cast<std::uint8_t>(traffic_class));
        for (const std::size_t at : {14, 14 + 40 + 40}) {
            EXPECT_EQ((probe.bytes.at(at) << 8 | probe.bytes.at(at + 1)) >> 4, 0x600U | traffic_class) << at;
        }
        EXPECT_EQ(probe.checksum, make_probe(kLink, {}, {}, path, 5).checksum) << "it is in no pseudo-header";
    }
}

// RFC 5883, 5, and RFC 7881, 4: in the header that data gets, and by itself.
TEST(Wire, BfdBySegmentsOrRouted) {
    const auto list = segments(1);
    BfdWay way{.source = address("2001:db8:a::1"),
               .peer = address("2001:db8:d::1"),
               .port = SS_SBFD_PORT,
               .encaps = list,
               .outer_source = address("2001:db8:a::2")};
    const auto tunneled = make_bfd_template(kLink, way, 5);
    EXPECT_EQ(tunneled.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        6c000005 0060 2b 40
        20010db8000a00000000000000000002
        fc000001000000000000000000000001
        29 02 04 00 00 00 0000
        fc000001000000000000000000000001
        6c000005 0020 11 ff
        20010db8000a00000000000000000001
        20010db8000d00000000000000000001
        c005 1e68 0020 0000 000000000000000000000000000000000000000000000000)"));
    EXPECT_EQ(tunneled.udp_offset, tunneled.bytes.size() - 32);
    way.encaps = {};
    EXPECT_EQ(make_bfd_template(kLink, way, 5).checksum, tunneled.checksum) << "it covers the packet inside";
    way = {.source = address("192.0.2.1"), .peer = address("198.51.100.1"), .port = SS_BFD_MULTIHOP_PORT};
    const auto routed = make_bfd_template(kLink, way, 5);
    const auto routed_bytes = hex(R"(
        02000000000b 02000000000a 0800
        45c0 0034 0000 4000 ff 11 8ec2 c0000201 c6336401
        c005 12b0 0020 0000 000000000000000000000000000000000000000000000000)");
    EXPECT_EQ(routed.bytes, routed_bytes);
    way.encaps = list;
    const auto inside = make_bfd_template(kLink, way, 5);
    EXPECT_EQ(Bytes(inside.bytes.begin(), inside.bytes.begin() + 14 + 40 + 8), hex(R"(
        02000000000b 02000000000a 86dd
        6c000005 004c 2b 40
        00000000000000000000000000000000
        fc000001000000000000000000000001
        04 02 04 00 00 00 0000)"));
    EXPECT_EQ(Bytes(inside.bytes.begin() + 14 + 40 + 24, inside.bytes.end()),
              Bytes(routed_bytes.begin() + 14, routed_bytes.end()));
}

// What doctor sends to itself; the checksum covers the final destination.
TEST(Wire, ADatagramByASegmentList) {
    const auto list = segments(1);
    const Bytes payload{0xab, 0xcd};
    const Datagram datagram{
        .from = address("2001:db8:a::1"), .to = address("2001:db8:ab::a"), .port = 50000, .payload = payload};
    EXPECT_EQ(make_datagram(kLink, address("2001:db8:a::1"), datagram, {.encaps = {}, .back = list}), hex(R"(
        02000000000b 02000000000a 86dd
        60000000 0032 2b ff
        20010db8000a00000000000000000001
        fc000001000000000000000000000001
        11 04 04 01 01 00 0000
        20010db800ab0000000000000000000a
        fc000001000000000000000000000001
        c350 c350 000a 7139
        abcd)"));
    const auto whole = make_datagram(kLink, address("2001:db8:a::2"), datagram, {.encaps = list, .back = {}});
    EXPECT_EQ(whole.size(), 14U + 40 + 24 + 40 + 8 + 2);
    EXPECT_EQ(whole.at(14 + 40), IPPROTO_IPV6) << "next header of the SRH";
}

TEST(Wire, AnIpv4DatagramInAnEncapsulation) {
    const auto list = segments(1);
    const Bytes payload{0xab, 0xcd};
    const Datagram datagram{
        .from = address("192.0.2.1"), .to = address("192.0.2.1"), .port = 50000, .payload = payload};
    EXPECT_EQ(make_datagram(kLink, address("2001:db8:a::1"), datagram, {.encaps = list, .back = {}}), hex(R"(
        02000000000b 02000000000a 86dd
        60000000 0036 2b 40
        20010db8000a00000000000000000001
        fc000001000000000000000000000001
        04 02 04 00 00 00 0000
        fc000001000000000000000000000001
        4500 001e 00004000 ff11 f7cb c0000201 c0000201
        c350 c350 000a 0000
        abcd)"));
}

// RFC 8972, 4.1: a TLV of zeros fills the probe up to its size; the template contains the TLV's head.
TEST(Wire, APaddedProbe) {
    const auto probe = make_probe(kLink, address("2001:db8:a::1"), address("2001:db8:ab::a"), {}, 0x0123, 1500);
    EXPECT_EQ(probe.length, 14 + 1500);
    EXPECT_EQ(probe.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        6c000123 05b4 11 ff
        20010db8000a00000000000000000001
        20010db800ab0000000000000000000a
        c123 035e 05b4 0000
        00000000 00000000 00000000 4001 0123
        00000000000000000000000000000000000000000000000000000000
        80 fc 0008 0000000000000000
        80 01 0570)"));  // 1500 - 40 - 8 - 56 - 4 = 1392
}

TEST(Wire, AProbeIsPaddedIfTheTlvHasRoom) {
    constexpr std::uint16_t kLeast = 40 + 8 + 56;
    for (const std::size_t size : {0, 1, kLeast - 1, kLeast + 0, kLeast + 3}) {
        const auto probe = make_probe(kLink, {}, {}, {}, 0, size);
        EXPECT_EQ(probe.length, 14 + kLeast) << size;
        EXPECT_EQ(probe.bytes.size(), 14U + kLeast) << size;
    }
    const auto probe = make_probe(kLink, {}, {}, {}, 0, kLeast + 4);
    EXPECT_EQ(probe.length, 14 + kLeast + 4);
    EXPECT_EQ(probe.bytes.size(), 14U + kLeast + 4);
    const auto list = segments(2);
    EXPECT_EQ(make_probe(kLink, {}, {}, {.encaps = list, .back = {}}, 0, 1400).length, 14 + 1400);
    EXPECT_EQ(make_probe(kLink, {}, {}, {.encaps = {}, .back = list}, 0, 1400).length, 14 + 1400);
}

// RFC 8986, 5.2: the first segment is only in the destination; segments left and last entry show that.
TEST(Wire, ReducedEncapsulation) {
    const auto two = make_encaps_header(kLink, address("2001:db8:a::1"), segments(2), true);
    EXPECT_EQ(two.srh_offset, 14 + 40);
    EXPECT_EQ(two.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        60000000 0000 2b 40
        20010db8000a00000000000000000001
        fc000001000000000000000000000001
        29 02 04 01 00 00 0000
        fc000002000000000000000000000001)"));
    const auto one = make_encaps_header(kLink, address("2001:db8:a::1"), segments(1), true);
    EXPECT_EQ(one.srh_offset, 0);
    EXPECT_EQ(one.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        60000000 0000 29 40
        20010db8000a00000000000000000001
        fc000001000000000000000000000001)"));
}

// The first entry is reserved for the packet's own destination.
TEST(Wire, Insertion) {
    const auto header = make_insert_header(kLink, segments(2));
    EXPECT_EQ(header.srh_offset, 14);
    EXPECT_EQ(header.bytes, hex(R"(
        02000000000b 02000000000a 86dd
        00 06 04 02 02 00 0000
        00000000000000000000000000000000
        fc000002000000000000000000000001
        fc000001000000000000000000000001)"));
    EXPECT_LE(make_insert_header(kLink, segments(SS_MAX_SEGMENTS - 1)).bytes.size(), SS_HEADER_MAX);
}

TEST(Wire, Forwarding) {
    const auto header = make_forward_header(kLink);
    EXPECT_EQ(header.srh_offset, 0);
    EXPECT_EQ(Bytes(header.bytes.begin(), header.bytes.begin() + 12), hex("02000000000b 02000000000a"));
}

TEST(Wire, TheLongestProbeFitsItsTemplate) {
    const auto list = segments(SS_MAX_SEGMENTS);
    const ProbePath way{.encaps = list, .back = {}};
    EXPECT_TRUE(probe_fits(way));
    EXPECT_LE(make_probe(kLink, {}, {}, way, 0).bytes.size(), SS_TEMPLATE_MAX);
    EXPECT_LE(make_probe(kLink, {}, {}, way, 0, 1500).bytes.size(), SS_TEMPLATE_MAX);
    EXPECT_FALSE(probe_fits({.encaps = list, .back = list}));
}

struct Encaps {
    unsigned count;
    std::string_view srh;
};

class WireEncaps : public testing::TestWithParam<Encaps> {};

// The first segment is the destination; the list is in reverse, and last entry and segments left point to it.
TEST_P(WireEncaps, BytesAreAsWrittenByHand) {
    const auto& [count, srh] = GetParam();
    const std::string_view before = R"(
        02000000000b 02000000000a 86dd
        60000000 0000 2b 40
        20010db8000a00000000000000000001
        fc000001000000000000000000000001)";
    const auto expected = hex(before) + hex(srh);
    const auto header = make_encaps_header(kLink, address("2001:db8:a::1"), segments(count));
    EXPECT_EQ(header.bytes, expected);
    EXPECT_EQ(header.srh_offset, 14 + 40);
    EXPECT_LE(expected.size(), SS_HEADER_MAX);
}

INSTANTIATE_TEST_SUITE_P(Segments, WireEncaps,
                         testing::Values(Encaps{1, R"(29 02 04 00 00 00 0000
                                                      fc000001000000000000000000000001)"},
                                         Encaps{2, R"(29 04 04 01 01 00 0000
                                                      fc000002000000000000000000000001
                                                      fc000001000000000000000000000001)"},
                                         Encaps{3, R"(29 06 04 02 02 00 0000
                                                      fc000003000000000000000000000001
                                                      fc000002000000000000000000000001
                                                      fc000001000000000000000000000001)"},
                                         Encaps{10, R"(29 14 04 09 09 00 0000
                                                       fc00000a000000000000000000000001
                                                       fc000009000000000000000000000001
                                                       fc000008000000000000000000000001
                                                       fc000007000000000000000000000001
                                                       fc000006000000000000000000000001
                                                       fc000005000000000000000000000001
                                                       fc000004000000000000000000000001
                                                       fc000003000000000000000000000001
                                                       fc000002000000000000000000000001
                                                       fc000001000000000000000000000001)"},
                                         Encaps{16, R"(29 20 04 0f 0f 00 0000
                                                       fc000010000000000000000000000001
                                                       fc00000f000000000000000000000001
                                                       fc00000e000000000000000000000001
                                                       fc00000d000000000000000000000001
                                                       fc00000c000000000000000000000001
                                                       fc00000b000000000000000000000001
                                                       fc00000a000000000000000000000001
                                                       fc000009000000000000000000000001
                                                       fc000008000000000000000000000001
                                                       fc000007000000000000000000000001
                                                       fc000006000000000000000000000001
                                                       fc000005000000000000000000000001
                                                       fc000004000000000000000000000001
                                                       fc000003000000000000000000000001
                                                       fc000002000000000000000000000001
                                                       fc000001000000000000000000000001)"}),
                         [](const auto& test) { return std::to_string(test.param.count); });

}  // namespace
}  // namespace sidestep
