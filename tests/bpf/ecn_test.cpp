// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how congestion marks of a tunnel come to the packet that was in it (RFC 6040).
#include "tests/bpf/tunnels.hpp"

namespace sidestep {
namespace {

using Ecn = Tunnels;

// Section 4.2, figure 4: the columns are the outer codepoint Not-ECT, ECT(1), ECT(0), CE; 4 means a drop.
TEST_F(Ecn, CongestionIsCopiedToTheInnerPacket) {
    constexpr unsigned kDrop = 4;
    constexpr std::array<std::array<unsigned, 4>, 4> kTable{
        {{0, 0, 0, kDrop}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}}};
    for (unsigned inner = 0; inner < 4; ++inner) {
        for (unsigned outer = 0; outer < 4; ++outer) {
            for (const unsigned dscp : {0x00U, 0xb8U, 0xfcU}) {
                SCOPED_TRACE(testing::Message() << "inner " << inner << ", outer " << outer << ", DSCP " << dscp);
                const auto expected = kTable.at(inner).at(outer);
                const auto octet = [&](unsigned ecn) { return static_cast<std::uint8_t>(dscp | ecn); };
                const auto v6 = packet(Ipv6{.traffic_class = octet(inner)}, udp(1, 2, 3));
                const auto v4 = packet(Ipv4{.tos = octet(inner)}, udp(1, 2, 3));
                const auto outer_class = static_cast<std::uint8_t>(0x28 | outer);
                if (expected == kDrop) {
                    expect_dropped(tunnel(kDt46, v6, kInside, outer_class), SS_OUTCOME_SID_FAILED);
                    expect_dropped(tunnel(kDt46, v4, kInside, outer_class), SS_OUTCOME_SID_FAILED);
                    continue;
                }
                expect_unwrapped(tunnel(kDt46, v6, kInside, outer_class),
                                 packet(Ipv6{.traffic_class = octet(expected)}, udp(1, 2, 3)));
                expect_unwrapped(tunnel(kDt46, v4, kInside, outer_class),
                                 packet(Ipv4{.tos = octet(expected)}, udp(1, 2, 3)));
            }
        }
    }
}

// The checksum stays right after an update, for many other checksums.
TEST_F(Ecn, TheChecksumOfIpv4StaysRight) {
    for (unsigned ttl = 1; ttl < 256; ++ttl) {
        for (const std::uint8_t ecn : Bytes{1, 2}) {
            const auto inner = packet(Ipv4{.ttl = static_cast<std::uint8_t>(ttl), .tos = ecn}, udp(1, 2, 3));
            const auto out = programs_.ingress(tunnel(kDt46, inner, kInside, 3)).packet;
            ASSERT_EQ(out.at(kEthernetLength + 1), 3);
            ASSERT_EQ(internet_checksum(std::span(out).subspan(kEthernetLength, kIpv4Length)), 0U) << ttl;
        }
    }
}

}  // namespace
}  // namespace sidestep
