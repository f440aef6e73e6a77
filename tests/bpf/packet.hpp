// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds packets for tests, starting with the Ethernet header, from parts:
//   packet(Ipv6{.to = "2001:db8::1"}, udp(1234, 80, 20))
//   packet(Ipv6{.next_header = kRouting}, srh(kUdp, {address("fc00::1"), address("2001:db8::1")}, 1) + udp(1, 2, 3))
#pragma once

#include <cstdint>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bytes.hpp"

namespace sidestep {

inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kIpv4Inside = 4;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIpv6Inside = 41;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kDestinationOptions = 60;
inline constexpr std::size_t kEthernetLength = 14;
inline constexpr std::size_t kIpv6Length = 40;
inline constexpr std::size_t kIpv4Length = 20;

/// Converts back to hexadecimal digits, so that failures can be read.
inline std::string text_of(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

inline std::uint16_t read_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

/// The checksum of RFC 1071 over bytes, with `sum` added; 0 over bytes that contain the right checksum.
inline std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8U : bytes[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

inline void append_u16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

/// The fields of an IPv6 header that tests vary.
struct Ipv6 {
    std::string_view from = "2001:db8:5::1";
    std::string_view to = "2001:db8:d::1";
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint8_t next_header = kUdp;
};

/// Puts Ethernet and IPv6 before `payload`. The Ethernet addresses are those of the loopback device, on which programs
/// are tested.
inline Bytes packet(const Ipv6& ip, const Bytes& payload) {
    Bytes bytes(12, 0);
    append_u16(bytes, 0x86dd);
    append_u16(bytes, 0x6000U | ip.traffic_class << 4);
    append_u16(bytes, 0);
    append_u16(bytes, payload.size());
    bytes.push_back(ip.next_header);
    bytes.push_back(ip.hop_limit);
    append(bytes, address(ip.from).bytes);
    append(bytes, address(ip.to).bytes);
    append(bytes, payload);
    return bytes;
}

/// The fields of an IPv4 header that tests vary.
struct Ipv4 {
    std::string_view from = "192.0.2.1";
    std::string_view to = "203.0.113.1";
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint8_t protocol = kUdp;
};

/// The same for IPv4, with the right checksum and DF set.
inline Bytes packet(const Ipv4& ip, const Bytes& payload) {
    Bytes header{0x45, ip.tos};
    append_u16(header, kIpv4Length + payload.size());
    append_u16(header, 0x1234);
    append_u16(header, 0x4000);
    header.push_back(ip.ttl);
    header.push_back(ip.protocol);
    append_u16(header, 0);
    const auto from = address(ip.from);
    const auto to = address(ip.to);
    append(header, std::span(from.bytes).last(4));
    append(header, std::span(to.bytes).last(4));
    const auto checksum = internet_checksum(header);
    header[10] = static_cast<std::uint8_t>(checksum >> 8);
    header[11] = static_cast<std::uint8_t>(checksum);
    Bytes bytes(12, 0);
    append_u16(bytes, 0x0800);
    return bytes + header + payload;
}

/// A packet without its Ethernet header.
inline Bytes inside(const Bytes& bytes) {
    return {bytes.begin() + kEthernetLength, bytes.end()};
}

/// Hop-by-hop or destination options: a PadN (RFC 8200, 4.2), 8 bytes long plus 8 for each of `more`.
inline Bytes options(std::uint8_t next, std::uint8_t more = 0) {
    Bytes bytes{next, more, 1, static_cast<std::uint8_t>(4 + 8 * more)};
    bytes.resize(8 + 8UL * more);
    return bytes;
}

/// An SRH (RFC 8754, 2) with segments in travel order, of which `left` follow the active one.
inline Bytes srh(std::uint8_t next, const std::vector<Address>& list, std::size_t left, std::uint16_t tag = 0) {
    Bytes bytes{next,
                static_cast<std::uint8_t>(2 * list.size()),
                4,
                static_cast<std::uint8_t>(left),
                static_cast<std::uint8_t>(list.size() - 1),
                0};
    append_u16(bytes, tag);
    for (const auto& segment : std::views::reverse(list)) append(bytes, segment.bytes);
    return bytes;
}

/// A segment whose payload counts upwards, without checksum.
inline Bytes tcp(std::uint16_t from, std::uint16_t to, std::size_t length) {
    Bytes bytes;
    append_u16(bytes, from);
    append_u16(bytes, to);
    append(bytes, hex("00000001 00000002 5010 1000 0000 0000"));
    for (std::size_t i = 0; i < length; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
    return bytes;
}

/// A datagram whose payload counts upwards, without checksum.
inline Bytes udp(std::uint16_t from, std::uint16_t to, std::size_t length) {
    Bytes bytes;
    append_u16(bytes, from);
    append_u16(bytes, to);
    append_u16(bytes, 8 + length);
    append_u16(bytes, 0);
    for (std::size_t i = 0; i < length; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
    return bytes;
}

}  // namespace sidestep
