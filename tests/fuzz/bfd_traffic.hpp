// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// BFD for two sessions of the node, one of IPv6 and one of IPv4, with one thing wrong in most packets.
#pragma once

#include "tests/bpf/bfd_speaking.hpp"
#include "tests/fuzz/dice.hpp"

namespace sidestep {

inline constexpr std::uint16_t kSpeaker6 = 9;
inline constexpr std::uint16_t kSpeaker4 = 10;

inline void open_speakers(Programs& programs) {
    open_bfd(programs, kSpeaker6, address("fd00:bfd::1"), address("fd00:bfd::2"));
    open_bfd(programs, kSpeaker4, address("10.9.0.1"), address("10.9.0.2"));
}

/// Good packets of the two that were recorded.
inline std::uint64_t recorded_bfd(const Programs& programs) {
    return programs.sessions[kSpeaker6].rx.answered + programs.sessions[kSpeaker4].rx.answered;
}

inline Bytes bfd_traffic(Dice& dice) {
    const bool v4 = dice.chance(50);
    auto said = bfd_of_neighbor(v4 ? kSpeaker4 : kSpeaker6);
    std::uint8_t hops = 255;
    switch (dice.below(11)) {
        case 0:
            said.version_diagnostic = dice.byte();
            break;
        case 1:
            said.length = dice.byte();
            break;
        case 2:
            said.multiplier = 0;
            break;
        case 3:
            said.state_flags |= SS_BFD_MULTIPOINT;
            break;
        case 4:
            said.my_discriminator = 0;
            break;
        case 5:
            said.your_discriminator ^= 0x55;
            break;
        case 6:
            said.your_discriminator = 0;
            said.state_flags = dice.byte() & 0xc0;
            break;
        case 7:
            said.state_flags |= SS_BFD_AUTHENTICATED;
            said.length = 28;
            break;
        case 8:
            hops = dice.byte();
            break;
        default:
            said.state_flags = static_cast<std::uint8_t>(dice.byte() & ~(SS_BFD_AUTHENTICATED | SS_BFD_MULTIPOINT));
            break;
    }
    auto datagram = bfd_datagram(said);
    append(datagram, dice.bytes(4));  // where authentication would be
    datagram[5] = static_cast<std::uint8_t>(datagram.size());
    if (v4) return packet(Ipv4{.from = "10.9.0.2", .to = "10.9.0.1", .ttl = hops}, datagram);
    return packet(Ipv6{.from = "fd00:bfd::2", .to = "fd00:bfd::1", .hop_limit = hops}, datagram);
}

}  // namespace sidestep
