// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What checks of the fuzzer look at in a packet, from its IP header on.
#pragma once

#include <algorithm>
#include <span>

#include "tests/bpf/packet.hpp"

namespace sidestep {

using View = std::span<const std::uint8_t>;

inline bool is_v4(View ip) {
    return !ip.empty() && ip[0] >> 4 == 4;
}

// Where what follows IPv6, options and SRHs begins, in a packet from the IPv6 header on.
inline std::size_t behind_headers(View ip) {
    auto at = kIpv6Length;
    auto next = ip[6];
    while (at + 8 <= ip.size() && (next == kHopByHop || next == kRouting || next == kDestinationOptions)) {
        next = ip[at];
        at += 8 + 8UL * ip[at + 1];
    }
    return at;
}

// Without what a hop or the end of a tunnel may change: hop limit, ECN, IPv4's checksum.
inline Bytes without_hop(View ip) {
    Bytes bytes(ip.begin(), ip.end());
    if (is_v4(ip)) {
        bytes.at(1) &= 0xfc;
        bytes.at(8) = bytes.at(10) = bytes.at(11) = 0;
    } else {
        bytes.at(1) &= 0xcf;
        bytes.at(7) = 0;
    }
    return bytes;
}

inline bool ends_with(View bytes, View end) {
    return bytes.size() >= end.size() && std::ranges::equal(bytes.last(end.size()), end);
}

}  // namespace sidestep
