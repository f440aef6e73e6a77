// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// BFD for sessions of the node with neighbors, with somebody beyond the link and with a reflector, each over IPv6 and IPv4,
// with one thing wrong in most packets.
#pragma once

#include <array>
#include <utility>

#include "tests/bpf/bfd_speaking.hpp"
#include "tests/fuzz/dice.hpp"

namespace sidestep {

inline constexpr std::uint16_t kSpeaker6 = 9;
inline constexpr std::uint16_t kSpeaker4 = 10;
inline constexpr std::uint16_t kMultihop6 = 16;
inline constexpr std::uint16_t kMultihop4 = 17;
inline constexpr std::uint16_t kSeamless6 = 18;
inline constexpr std::uint16_t kSeamless4 = 19;
inline constexpr std::array<std::uint16_t, 6> kSpeakers{kSpeaker6,  kSpeaker4,  kMultihop6,
                                                        kMultihop4, kSeamless6, kSeamless4};

inline void open_speakers(Programs& programs) {
    const auto own6 = address("fd00:bfd::1");
    const auto peer6 = address("fd00:bfd::2");
    const auto own4 = address("10.9.0.1");
    const auto peer4 = address("10.9.0.2");
    open_bfd(programs, kSpeaker6, own6, peer6);
    open_bfd(programs, kSpeaker4, own4, peer4);
    for (const auto& [index, kind] : {std::pair{kMultihop6, SS_BFD_MULTIHOP}, {kSeamless6, SS_BFD_SEAMLESS}}) {
        open_far_bfd(programs, index, kind, own6, peer6, 200);
        open_far_bfd(programs, static_cast<std::uint16_t>(index + 1), kind, own4, peer4, 200);
    }
    for (const auto index : {kSeamless6, kSeamless4})
        programs.sessions[index].conf.bfd.packet.your_discriminator = htonl(77);
    // Opening the others has removed what the neighbors are known by.
    open_bfd(programs, kSpeaker6, own6, peer6);
    open_bfd(programs, kSpeaker4, own4, peer4);
}

/// Good packets of them that were recorded.
inline std::uint64_t recorded_bfd(const Programs& programs) {
    std::uint64_t sum = 0;
    for (const auto index : kSpeakers) sum += programs.sessions[index].rx.answered;
    return sum;
}

inline Bytes bfd_traffic(Dice& dice) {
    const auto speaker = kSpeakers.at(dice.below(kSpeakers.size()));
    const bool v4 = speaker == kSpeaker4 || speaker == kMultihop4 || speaker == kSeamless4;
    auto said = bfd_of_neighbor(speaker);
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
    const bool seamless = speaker == kSeamless6 || speaker == kSeamless4;
    const bool multihop = speaker == kMultihop6 || speaker == kMultihop4;
    auto datagram = bfd_datagram(said, seamless ? SS_SBFD_PORT : 50'000,
                                 seamless   ? 50'000
                                 : multihop ? SS_BFD_MULTIHOP_PORT
                                            : SS_BFD_PORT);
    append(datagram, dice.bytes(4));  // where authentication would be
    datagram[5] = static_cast<std::uint8_t>(datagram.size());
    if (v4) return packet(Ipv4{.from = "10.9.0.2", .to = "10.9.0.1", .ttl = hops}, datagram);
    return packet(Ipv6{.from = "fd00:bfd::2", .to = "fd00:bfd::1", .hop_limit = hops}, datagram);
}

}  // namespace sidestep
