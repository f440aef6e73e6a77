// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets that a node may meet, and what none should: of both families, in tunnels, along SRHs and NEXT-C-SID
// containers that lie about themselves, cut, stretched and with bits flipped. Destinations are those of
// tests/fuzz/node.hpp.
#pragma once

#include "tests/fuzz/dice.hpp"

namespace sidestep {

inline constexpr std::size_t kUdpAt = kEthernetLength + kIpv6Length;
inline constexpr std::size_t kLongest = 1700;

/// In policies of every mode, in none, exempt, by a dead adjacency, of no candidate; multicast, a sink.
inline constexpr std::array<std::string_view, 12> kDestinations{
    "2001:db8:d::2", "2001:db8:d::1", "2001:db8:c::2", "2001:db8:9::2",  "2001:db8:b::2",  "2001:db8:6::2",
    "2001:db8:f::1", "2001:db8:e::1", "ff02::1",       "2001:db8:ab::a", "2001:db8:b5::2", "2001:db8:7::2"};
inline constexpr std::array<std::string_view, 5> kDestinationsV4{"203.0.113.1", "203.0.114.1", "198.51.100.1",
                                                                 "192.0.2.200", "224.0.0.1"};
/// SIDs of the node, and two of others.
inline constexpr std::array<std::string_view, 17> kSids{
    "fd00:a::1",
    "fd00:a::2",
    "fd00:a::3",
    "fd00:a::4",
    "fd00:a::d4",
    "fd00:a::d6",
    "fd00:a::d46",
    "fcbb:bbbb:a:a:b::",
    "fcbb:bbbb:a:e000:9::1",
    "fcbb:bbbb:a:d46::",
    "fcbb:bbbb:a::",
    "fc00:77::1",
    "fd00:a::5",
    "fd00:a:0:7:7:0:0:5000",  // copies of a flow: of one number by two ways, of a later one, of an unknown flow
    "fd00:a:0:7:7:4000:0:5000",
    "fd00:a:0:7:7:0:1000:5000",
    "fd00:a:0:7:9::1"};

/// An SRH that lies more often than not: about its length, its segments left, its last entry.
inline Bytes routing_header(Dice& dice, std::uint8_t next) {
    const auto segments = dice.below(4);
    Bytes bytes{next,
                static_cast<std::uint8_t>(2 * segments),
                4,
                static_cast<std::uint8_t>(dice.below(3)),
                static_cast<std::uint8_t>(segments - 1),
                0,
                0,
                0};
    append(bytes, dice.bytes(16 * segments));
    for (const std::size_t field : {1, 2, 3, 4}) {
        if (dice.chance(15)) bytes[field] = dice.byte();
    }
    return bytes;
}

/// Hop-by-hop, destination options, fragment, SRH or authentication headers, up to four, then `next`.
inline Bytes extension_headers(Dice& dice, std::uint8_t& first, std::uint8_t next, const Bytes& payload) {
    auto bytes = payload;
    first = next;
    for (auto count = dice.below(5); count > 0; --count) {
        Bytes header;
        std::uint8_t kind = kRouting;
        if (dice.chance(50)) {
            header = routing_header(dice, first);
        } else {
            static constexpr std::array<std::uint8_t, 4> kKinds{0, 44, 51, 60};
            kind = dice.of(kKinds);
            header = dice.bytes(8);
            header[0] = first;
            header[1] = 0;
        }
        bytes = header + bytes;
        first = kind;
    }
    return bytes;
}

inline std::size_t payload_length(Dice& dice) {
    return dice.chance(90) ? dice.below(200) : 1200 + dice.below(400);
}

inline Bytes ipv6_traffic(Dice& dice) {
    Ipv6 ip{.to = dice.of(kDestinations), .hop_limit = dice.byte(), .traffic_class = dice.byte()};
    const auto port = dice.chance(20) ? SS_PROBE_PORT : dice.port();
    const auto payload = dice.chance(70) ? udp(7, static_cast<std::uint16_t>(port), payload_length(dice))
                                         : dice.bytes(payload_length(dice));
    if (dice.chance(50)) return packet(ip, payload);
    const auto whole = extension_headers(dice, ip.next_header, dice.chance(80) ? kUdp : dice.byte(), payload);
    return packet(ip, whole);
}

inline Bytes ipv4_traffic(Dice& dice) {
    const Ipv4 ip{.to = dice.of(kDestinationsV4),
                  .ttl = dice.byte(),
                  .tos = dice.byte(),
                  .protocol = dice.chance(50)   ? kUdp
                              : dice.chance(80) ? kTcp
                                                : dice.byte()};
    auto bytes = packet(ip, udp(7, dice.port(), payload_length(dice)));
    if (dice.chance(10)) {  // options in the place of what was the payload
        const auto words = dice.below(16);
        bytes[kEthernetLength] = static_cast<std::uint8_t>(0x40U | words);
    }
    return bytes;
}

/// Along segments, own SIDs most of them.
inline Bytes along_segments(Dice& dice, std::uint8_t next, const Bytes& payload) {
    std::vector<Address> list(1 + dice.below(4));
    for (auto& segment : list) segment = address(dice.chance(75) ? dice.of(kSids) : dice.of(kDestinations));
    const auto left = dice.below(list.size());
    const auto to = list.at(list.size() - 1 - left).to_string();
    const auto tag = static_cast<std::uint16_t>(dice.chance(20) ? 0x5d00U + dice.below(4) : 0);
    auto bytes = packet(Ipv6{.from = dice.chance(80) ? "fd00:b::1" : "2001:db8:5::1",
                             .to = to,
                             .hop_limit = dice.byte(),
                             .traffic_class = dice.byte(),
                             .next_header = kRouting},
                        srh(next, list, left, tag) + payload);
    for (const std::size_t field : {1, 2, 3, 4}) {
        if (dice.chance(4)) bytes[kUdpAt + field] = dice.byte();
    }
    return bytes;
}

/// To a SID, with a packet inside.
inline Bytes tunnel(Dice& dice) {
    const bool v4 = dice.chance(50);
    const auto inner = inside(v4 ? ipv4_traffic(dice) : ipv6_traffic(dice));
    const auto next = dice.chance(95) == v4 ? kIpv4Inside : kIpv6Inside;
    if (dice.chance(50)) return along_segments(dice, next, inner);
    return packet(Ipv6{.from = dice.chance(90)   ? "fd00:b::1"
                               : dice.chance(50) ? "2001:db8:a::1"
                                                 : "2001:db8:5::1",
                       .to = dice.of(kSids),
                       .hop_limit = dice.byte(),
                       .traffic_class = dice.byte(),
                       .next_header = next},
                  inner);
}

inline void mutate(Dice& dice, Bytes& bytes) {
    for (auto count = dice.below(4); count > 0; --count) {
        switch (dice.below(5)) {
            case 0:
                bytes.resize(dice.below(bytes.size()) + 1);
                break;
            case 1:
                append(bytes, dice.bytes(dice.below(300)));
                break;
            case 2:
                bytes[dice.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << dice.below(8));
                break;
            case 3:
                bytes[dice.below(bytes.size())] = dice.byte();
                break;
            default:  // lengths and next header of the outermost header
                if (bytes.size() > kUdpAt) bytes[kEthernetLength + 4 + dice.below(3)] = dice.byte();
        }
    }
    bytes.resize(std::clamp(bytes.size(), kEthernetLength + 1, kLongest));
}

/// Anything but probes.
inline Bytes any_traffic(Dice& dice) {
    switch (dice.below(10)) {
        case 0:
            return dice.bytes(1 + dice.below(kLongest));
        case 1:
        case 2:
        case 3:
            return ipv6_traffic(dice);
        case 4:
        case 5:
            return ipv4_traffic(dice);
        case 6:
        case 7:
            return along_segments(dice, kUdp, udp(7, dice.port(), payload_length(dice)));
        default:
            return tunnel(dice);
    }
}

}  // namespace sidestep
