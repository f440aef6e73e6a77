// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the probe as it is sent: template by the detector, varying part by the tick. The UDP checksum is verified as a
// receiver would, from the packet's bytes alone.
#include "bpf/lib/probe.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "detector/core/headers.hpp"
#include "tests/bytes.hpp"

namespace sidestep {
namespace {

// RFC 8200, 8.1: the sum of pseudo-header and datagram, both read as big-endian 16-bit numbers; all ones if correct.
std::uint32_t udp_sum(const Address& source, const Address& destination, std::span<const std::uint8_t> datagram) {
    std::uint32_t sum = static_cast<std::uint32_t>(datagram.size()) + 17;
    const auto add = [&](std::span<const std::uint8_t> bytes) {
        for (std::size_t i = 0; i < bytes.size(); i += 2)
            sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    };
    add(source.bytes);
    add(destination.bytes);
    add(datagram);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

struct Probe {
    Bytes bytes;
    std::uint16_t udp_offset;
    ss_stamp stamp;
};

Probe filled(const ProbeTemplate& probe, const ss_secret& secret, std::uint32_t sequence, std::uint64_t now) {
    Probe result{probe.bytes, probe.udp_offset, {}};
    auto* udp = result.bytes.data() + probe.udp_offset;
    std::memcpy(&result.stamp, udp + 8, sizeof(result.stamp));
    const std::uint16_t check = ss_stamp_fill(&result.stamp, &secret, sequence, now, probe.checksum);
    std::memcpy(udp + 6, &check, sizeof(check));
    std::memcpy(udp + 8, &result.stamp, sizeof(result.stamp));
    return result;
}

const Address kSource = address("2001:db8:a::1");
const Address kReturnAddress = address("2001:db8:ab::a");

TEST(Probe, CarriesSequenceTimeAndMac) {
    const ss_secret secret{{1, 2}};
    const auto probe = filled(make_probe({}, kSource, kReturnAddress, {}, 0x123), secret, 0x01020304, 5'000'000'006);
    const Bytes expected{1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0x40, 0x01, 0x01, 0x23};
    EXPECT_EQ(Bytes(probe.bytes.begin() + 62, probe.bytes.begin() + 78), expected);
    EXPECT_EQ(ss_stamp_time(&probe.stamp), 5'000'000'006U);

    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::memcpy(&low, expected.data(), 8);
    std::memcpy(&high, expected.data() + 8, 8);
    const auto mac = ss_siphash16(&secret, low, high);
    EXPECT_EQ(std::memcmp(probe.stamp.mac, &mac, sizeof(mac)), 0);
}

TEST(Probe, ChecksumHoldsForAnyContent) {
    std::mt19937_64 random(11);
    const auto random_address = [&] {
        Address result;
        for (auto& byte : result.bytes) byte = static_cast<std::uint8_t>(random());
        return result;
    };
    for (int i = 0; i < 20'000; ++i) {
        const auto source = random_address();
        const auto sink = random_address();
        const std::vector<Address> segments(random() % 4, address("2001:db8::5"));
        const auto probe =
            filled(make_probe({}, source, sink, {.encaps = {}, .back = segments}, random() % SS_MAX_SESSIONS),
                   {{random(), random()}}, static_cast<std::uint32_t>(random()), random() >> random() % 40);
        const auto udp = std::span(probe.bytes).subspan(probe.udp_offset);
        ASSERT_EQ(udp_sum(source, sink, udp), 0xffffU);
        ASSERT_FALSE(udp[6] == 0 && udp[7] == 0) << "zero would mean: no checksum";
    }
}

// RFC 768: the pseudo-header has the addresses as they are in the IPv4 header.
TEST(Probe, ChecksumHoldsForAnyIpv4Content) {
    std::mt19937_64 random(12);
    const auto random_address = [&] {
        auto result = address("0.0.0.0");
        for (std::size_t i = 12; i < 16; ++i) result.bytes.at(i) = static_cast<std::uint8_t>(random());
        return result;
    };
    for (int i = 0; i < 20'000; ++i) {
        const auto probe =
            filled(make_probe({}, random_address(), random_address(), {}, random() % SS_MAX_SESSIONS),
                   {{random(), random()}}, static_cast<std::uint32_t>(random()), random() >> random() % 40);
        const auto ip = std::span(probe.bytes).subspan(14, 20);
        const auto udp = std::span(probe.bytes).subspan(probe.udp_offset);
        Address source{};
        Address destination{};
        std::ranges::copy(ip.subspan(12, 4), source.bytes.begin());  // the rest adds nothing
        std::ranges::copy(ip.subspan(16, 4), destination.bytes.begin());
        ASSERT_EQ(udp_sum(source, destination, udp), 0xffffU);
        std::uint32_t header = 0;  // RFC 791, 3.1
        for (std::size_t at = 0; at < ip.size(); at += 2)
            header += static_cast<std::uint32_t>(ip[at] << 8 | ip[at + 1]);
        ASSERT_EQ((header & 0xffff) + (header >> 16), 0xffffU);
    }
}

// 2^16 sequence numbers produce every checksum, among them the one whose complement is zero.
TEST(Probe, AChecksumOfZeroIsSentAsAllOnes) {
    const auto probe = make_probe({}, kSource, kReturnAddress, {}, 1);
    const ss_secret secret{{3, 4}};
    unsigned all_ones = 0;
    for (std::uint32_t sequence = 0; sequence < 1U << 20; ++sequence) {
        ss_stamp stamp{};
        const std::uint16_t check = ss_stamp_fill(&stamp, &secret, sequence, 0, probe.checksum);
        ASSERT_NE(check, 0);
        all_ones += check == 0xffff;
    }
    EXPECT_GT(all_ones, 0U);
}

}  // namespace
}  // namespace sidestep
