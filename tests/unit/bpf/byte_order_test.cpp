// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks bytes in memory on machines of both byte orders.
#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "bpf/lib/packet.h"
#include "detector/core/headers.hpp"
#include "tests/bytes.hpp"

namespace sidestep {
namespace {

constexpr std::array<std::uint8_t, 4> kV4{192, 0, 2, 7};

TEST(ByteOrder, AnIpv4AddressIsMappedInNetworkOrder) {
    __be32 v4 = 0;
    std::memcpy(&v4, kV4.data(), sizeof v4);
    std::array<__u64, 2> mapped{};
    ss_map_v4(mapped.data(), v4);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), mapped.data(), bytes.size());
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}));
    EXPECT_EQ(bytes, address("192.0.2.7").bytes) << "as the detector writes it";
    EXPECT_EQ(ss_unmap_v4(mapped.data()), v4);
}

// The data plane folds the sum as it is, so it must consist of 16-bit words as this machine reads them.
TEST(ByteOrder, TheSumOfAProbeIsOfWordsAsTheyLieInMemory) {
    const auto source = address("2001:db8:a::1");
    const auto to = address("2001:db8:ab::a");
    const auto probe = make_probe({}, source, to, {}, 0x1234);
    auto covered = Bytes(probe.bytes.begin() + probe.udp_offset, probe.bytes.end());
    const auto length = static_cast<std::uint8_t>(covered.size());
    append(covered, source.bytes);
    append(covered, to.bytes);
    append(covered, Bytes{0, 0, 0, length, 0, 0, 0, 17});
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < covered.size(); i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, &covered[i], sizeof word);
        sum += word;
    }
    EXPECT_EQ(probe.checksum, sum);
}

}  // namespace
}  // namespace sidestep
