// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Segment lists for tests, out of the loopback device, and the packets that result from them.
#pragma once

#include <limits>

#include <gtest/gtest.h>

#include "detector/core/headers.hpp"
#include "tests/bpf/programs.hpp"

namespace sidestep {

inline constexpr LinkAddresses kLink{.own = {2, 0, 0, 0, 0, 0x0a}, .neighbor = {2, 0, 0, 0, 0, 0x0c}};

/// The outer source of packets encapsulated here.
inline Address own_source() {
    return address("2001:db8:a::1");
}

/// fc00:1::1, fc00:2::1, ... in travel order.
inline std::vector<Address> segments(unsigned count) {
    std::vector<Address> result(count, address("fc00::1"));
    for (unsigned i = 0; i < count; ++i) result[i].bytes[3] = static_cast<std::uint8_t>(i + 1);
    return result;
}

/// A usable segment list that depends on `session`.
inline ss_list segment_list(ss_mode mode, const ListHeader& header, std::uint16_t session) {
    ss_list list{};
    list.mode = static_cast<std::uint16_t>(mode);
    list.sessions = 1;
    list.session[0] = session;
    list.ifindex = kLoopback;
    list.mtu = std::numeric_limits<std::uint32_t>::max();
    list.header_length = static_cast<std::uint16_t>(header.bytes.size());
    list.srh_offset = header.srh_offset;
    std::ranges::copy(header.bytes, list.header);
    return list;
}

/// A list that leaves routing to the kernel.
inline ss_list plain_list(std::uint16_t session) {
    return segment_list(SS_MODE_PLAIN, {}, session);
}

inline ss_list encaps_list(std::uint16_t session, unsigned count, bool reduced = false) {
    return segment_list(SS_MODE_ENCAPS, make_encaps_header(kLink, own_source(), segments(count), reduced), session);
}

inline ss_list insert_list(std::uint16_t session, unsigned count) {
    return segment_list(SS_MODE_INSERT, make_insert_header(kLink, segments(count)), session);
}

/// A list to the neighbor without any header.
inline ss_list forward_list(std::uint16_t session) {
    return segment_list(SS_MODE_FORWARD, make_forward_header(kLink), session);
}

/// The header bytes of a list.
inline Bytes header_of(const ss_list& list) {
    return {list.header, list.header + list.header_length};
}

}  // namespace sidestep
