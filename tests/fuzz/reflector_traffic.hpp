// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// STAMP and S-BFD to the reflectors of the node, with TLVs of any kind and one thing wrong in many packets.
#pragma once

#include "tests/bpf/reflecting.hpp"
#include "tests/fuzz/dice.hpp"
#include "tests/fuzz/grammar.hpp"

namespace sidestep {

/// The STAMP reflector answers all, the S-BFD reflector not too many.
inline void open_fuzzed_reflectors(Programs& programs) {
    auto stamp = reflector_at(862);
    stamp.stateful = true;
    stamp.rate = 10'000'000;
    auto sbfd = reflector_at(7784);
    sbfd.discriminators = {0xabcd};
    sbfd.rate = 1;  // and a burst, on each CPU
    const auto source = programs.node();
    open_reflectors(programs, stamp, sbfd);
    programs.node() = source;
}

/// A TLV, or a Return Path with one inside.
inline Bytes any_tlv(Dice& dice) {
    constexpr std::array<std::uint8_t, 6> kTypes{1, 8, 9, 10, 10, 200};
    const auto type = kTypes.at(dice.below(kTypes.size()));
    Bytes value = dice.bytes(dice.below(9));
    if (type == 9) value = dice.chance(60) ? memory_of(address(kReflectorAddress).bytes) : dice.bytes(16);
    if (type == 10) {
        value = Bytes{0x80, static_cast<std::uint8_t>(dice.chance(70) ? 1 : dice.byte()), 0, 4, 0, 0, 0};
        value.push_back(dice.chance(80) ? 1 : 0);
        append(value, dice.bytes(dice.below(5)));
    }
    Bytes bytes{0x80, type};
    append_u16(bytes, dice.chance(90) ? value.size() : dice.below(70));
    append(bytes, value);
    return bytes;
}

inline Bytes any_stamp(Dice& dice) {
    Bytes bytes = dice.bytes(dice.chance(95) ? 44 : dice.below(44));
    for (auto n = dice.below(6); n > 0; --n) append(bytes, any_tlv(dice));
    return bytes;
}

inline Bytes any_sbfd(Dice& dice) {
    auto bytes = hex("20 42 03 18 0000004d 0000abcd 00004e20 00000000 00000000");
    if (dice.chance(40)) bytes[dice.below(12)] = dice.byte();
    append(bytes, dice.bytes(dice.below(4)));
    return bytes;
}

inline Bytes reflector_traffic(Dice& dice) {
    const bool stamp = dice.chance(70);
    const bool v4 = dice.chance(40);
    const auto payload = stamp ? any_stamp(dice) : any_sbfd(dice);
    constexpr std::array<std::uint16_t, 4> kLooping{862, 7784, 3785, 53};
    const auto from_port = dice.chance(95) ? std::uint16_t{50'000} : kLooping.at(dice.below(kLooping.size()));
    const std::uint16_t port = stamp ? 862 : 7784;
    const auto from = address(v4 ? kSenderAddress4 : dice.chance(95) ? kSenderAddress : "2001:db8::9");
    const auto to = address(v4 ? kReflectorAddress4 : kReflectorAddress);
    const auto from_text = from.to_string();
    const auto bytes = datagram(from, to, from_port, port, payload);
    if (v4) return packet(Ipv4{.from = kSenderAddress4, .to = kReflectorAddress4}, bytes);
    if (!dice.chance(20)) return packet(Ipv6{.from = from_text, .to = kReflectorAddress}, bytes);
    return packet(Ipv6{.from = from_text, .to = kReflectorAddress, .next_header = kRouting},
                  srh(kUdp, {address("fd00:c::1"), to}, 0) + bytes);
}

}  // namespace sidestep
