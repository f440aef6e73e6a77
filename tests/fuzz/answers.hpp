// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an answer of a reflector has to be, whatever was asked.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/bpf/reflecting.hpp"
#include "tests/fuzz/views.hpp"

namespace sidestep {

/// What the checksum of a datagram adds up to; 0: it has none.
inline std::uint16_t sum_over(View datagram, View ip) {
    if (read_u16(datagram, 6) == 0) return 0;
    Address from;
    Address to;
    if (is_v4(ip)) {
        from = to = address("0.0.0.0");
        std::ranges::copy(ip.subspan(12, 4), from.bytes.begin() + 12);
        std::ranges::copy(ip.subspan(16, 4), to.bytes.begin() + 12);
    } else {
        std::ranges::copy(ip.subspan(8, 16), from.bytes.begin());
        std::ranges::copy(ip.subspan(24, 16), to.bytes.begin());
    }
    return udp_sum(from, to, Bytes(datagram.begin(), datagram.end()));
}

/// Turned around, no longer than it came, with a checksum that is as right as it was.
inline void expect_answered(View came, View left) {
    const bool v4 = is_v4(came);
    const std::size_t size = v4 ? 4 : 16;
    const std::size_t from = v4 ? 12 : 8;
    const auto udp_at = v4 ? kIpv4Length : behind_headers(came);
    const std::size_t left_at = v4 ? kIpv4Length : kIpv6Length;
    ASSERT_EQ(is_v4(left), v4);
    ASSERT_LE(left.size(), came.size());
    ASSERT_TRUE(std::ranges::equal(left.subspan(from, size), came.subspan(from + size, size)));
    ASSERT_TRUE(std::ranges::equal(left.subspan(from + size, size), came.subspan(from, size)));
    ASSERT_EQ(left[v4 ? 8 : 7], 255);
    ASSERT_TRUE(!v4 || internet_checksum(left.first(kIpv4Length)) == 0);
    const auto asked = came.subspan(udp_at);
    const auto answer = left.subspan(left_at);
    ASSERT_EQ(read_u16(answer, 0), read_u16(asked, 2));
    ASSERT_EQ(read_u16(answer, 2), read_u16(asked, 0));
    ASSERT_GE(read_u16(asked, 0), 1024) << "it may be a service, or a reflector";
    const std::size_t length = read_u16(asked, 4);
    ASSERT_EQ(read_u16(answer, 4), length);
    ASSERT_EQ(sum_over(answer.first(length), came), sum_over(asked.first(length), came));
}

}  // namespace sidestep
