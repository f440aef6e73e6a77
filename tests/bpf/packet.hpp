// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets for tests, from the Ethernet header on, put together from parts:
//   packet(Ipv6{.to = "2001:db8::1"}, udp(1234, 80, 20))
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/model/address.hpp"

namespace sidestep {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::size_t kEthernetLength = 14;
inline constexpr std::size_t kIpv6Length = 40;

inline Address address(std::string_view text) {
    return *Address::parse(text);
}

inline void append(Bytes& bytes, std::span<const std::uint8_t> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
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

/// Ethernet and IPv6 before `payload`. The Ethernet addresses are those of the loopback device, on which programs are
/// tested.
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

/// A datagram whose payload counts upwards; the checksum is not filled in.
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
