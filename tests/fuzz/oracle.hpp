// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a Linux router would drop for a packet's outermost header alone (ip_rcv_core(), ip_forward(), ip6_rcv_core(),
// ip6_forward()), whatever its routes: a repair may pass or drop such a packet, but never send it. Options are not looked
// into. Pure.
#pragma once

#include "tests/bpf/packet.hpp"

namespace sidestep {

inline bool dropped_v4(std::span<const std::uint8_t> ip) {
    const std::size_t header = 4UL * (ip[0] & 15U);
    if (header < kIpv4Length || ip.size() < header || internet_checksum(ip.first(header)) != 0) return true;
    const auto total = read_u16(ip, 2);
    const auto martian = [](std::span<const std::uint8_t> address) {
        return address[0] == 0 || address[0] == 127 || address[0] >> 4 == 0xe ||
               (address[0] & address[1] & address[2] & address[3]) == 0xff;
    };
    return total > ip.size() || total < header || ip[8] <= 1 || martian(ip.subspan(12, 4)) ||
           martian(ip.subspan(16, 4));
}

inline bool dropped_v6(std::span<const std::uint8_t> ip) {
    const auto low = [](std::span<const std::uint8_t> address) {  // :: or ::1
        return std::ranges::all_of(address.first(15), [](auto byte) { return byte == 0; }) && address[15] <= 1;
    };
    const auto from = ip.subspan(8, 16);
    const auto to = ip.subspan(24, 16);
    return kIpv6Length + read_u16(ip, 4) > ip.size() || ip[7] <= 1 || low(from) || low(to) || from[0] == 0xff ||
           to[0] == 0xff;
}

/// `frame` begins with Ethernet.
inline bool kernel_would_drop(std::span<const std::uint8_t> frame) {
    if (frame.size() < kEthernetLength + kIpv4Length) return true;
    const auto ip = frame.subspan(kEthernetLength);
    switch (read_u16(frame, 12)) {
        case 0x0800:
            return ip[0] >> 4 != 4 || dropped_v4(ip);
        case 0x86dd:
            return ip[0] >> 4 != 6 || ip.size() < kIpv6Length || dropped_v6(ip);
        default:
            return true;  // nothing that Sidestep knows of
    }
}

}  // namespace sidestep
