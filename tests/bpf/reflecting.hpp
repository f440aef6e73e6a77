// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reflectors as the detector writes them, and datagrams with the checksums that senders give them.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "detector/maps/plain_maps.hpp"
#include "detector/maps/reflector_table.hpp"
#include "tests/bpf/programs.hpp"

namespace sidestep {

inline constexpr const char* kReflectorAddress = "fd00:a::1";
inline constexpr const char* kReflectorAddress4 = "192.0.2.1";
inline constexpr const char* kSenderAddress = "fd00:b::1";
inline constexpr const char* kSenderAddress4 = "198.51.100.7";

/// A reflector at both addresses, which answers all of fd00::/16 and 198.51.100.0/24.
inline ReflectorConfig reflector_at(std::uint16_t port) {
    ReflectorConfig config;
    config.port = port;
    config.addresses = {address(kReflectorAddress), address(kReflectorAddress4)};
    config.sources = {Prefix::covering(address("fd00::"), 16), Prefix::covering(address("198.51.100.0"), 96 + 24)};
    return config;
}

inline void open_reflectors(Programs& programs, const std::optional<ReflectorConfig>& stamp,
                            const std::optional<ReflectorConfig>& sbfd = std::nullopt) {
    PlainMaps maps{PolicySizes{}};
    ReflectorTable(maps).set(stamp, sbfd);
    programs.reflectors[0] = maps.reflectors();
    std::ranges::copy(maps.repair().reflects, programs.repair[0].reflects);
    std::ranges::copy(address("fd00:a::ffff").bytes, programs.node().source);
}

/// The checksum over a UDP datagram and its pseudo header (RFC 8200, 8.1; RFC 768); 0 if it contains the right one.
inline std::uint16_t udp_sum(const Address& from, const Address& to, const Bytes& datagram) {
    Bytes covered;
    const std::size_t skipped = from.is_v4() ? 12 : 0;
    append(covered, std::span(from.bytes).subspan(skipped));
    append(covered, std::span(to.bytes).subspan(skipped));
    append_u16(covered, 0);
    append_u16(covered, datagram.size());
    append_u16(covered, 0);
    append_u16(covered, kUdp);
    append(covered, datagram);
    return internet_checksum(covered);
}

/// A datagram with a checksum.
inline Bytes datagram(const Address& from, const Address& to, std::uint16_t from_port, std::uint16_t to_port,
                      const Bytes& payload) {
    Bytes bytes;
    append_u16(bytes, from_port);
    append_u16(bytes, to_port);
    append_u16(bytes, 8 + payload.size());
    append_u16(bytes, 0);
    append(bytes, payload);
    const auto sum = udp_sum(from, to, bytes);
    bytes[6] = static_cast<std::uint8_t>(sum >> 8);
    bytes[7] = static_cast<std::uint8_t>(sum);
    return bytes;
}

inline Bytes part_of(const Bytes& bytes, std::size_t at, std::size_t size) {
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    return {start, start + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace sidestep
