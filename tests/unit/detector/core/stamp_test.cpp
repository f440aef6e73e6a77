// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests STAMP's fields against values worked out by hand from RFC 4656, RFC 8186 and RFC 8762.
#include "detector/core/stamp.hpp"

#include <gtest/gtest.h>

namespace sidestep::stamp {
namespace {

using namespace std::chrono_literals;

TEST(Stamp, WritesTimesInBothFormats) {
    constexpr auto kTime = Nanoseconds(1'500'000'000);
    EXPECT_EQ(encode_time(kTime, false, 37s), (2'208'988'801ULL << 32) + (1ULL << 31));
    EXPECT_EQ(encode_time(kTime, true, 37s), (38ULL << 32) + 500'000'000);
    EXPECT_EQ(decode_time(encode_time(kTime, false, 37s), false, 37s), kTime);
    EXPECT_EQ(decode_time(encode_time(kTime, true, 37s), true, 37s), kTime);
}

TEST(Stamp, ReadsTimesOfTheNextEra) {
    const auto year_2040 = std::chrono::seconds(2'208'988'800LL);  // seconds since 1970
    EXPECT_EQ(decode_time(encode_time(year_2040, false, 0s), false, 0s), year_2040);
}

TEST(Stamp, RoundsErrorsUp) {
    EXPECT_EQ(encode({.error = 0ns}), 0x0001);
    EXPECT_EQ(encode({.synchronized = true, .error = 0ns}), 0x8001);
    EXPECT_EQ(encode({.ptp = true, .error = 0ns}), 0x4001);
    for (const Nanoseconds error : {1ns, 1000ns, 123'456ns, 16'000'000'000ns}) {
        const auto read = decode_error(encode({.synchronized = true, .error = error}));
        EXPECT_TRUE(read.synchronized);
        EXPECT_GE(read.error + 1ns, error);
        EXPECT_LE(read.error, error + error / 100 + 1ns);
    }
    EXPECT_EQ(decode_error(0x2001).error, 1s);  // 2^32 / 2^32
}

TEST(Stamp, WritesWhatRfc8762Shows) {
    const auto bytes = write({.sequence = 7, .time = 0x0102030405060708, .error_estimate = 0x8101, .ssid = 0x1234}, 52);
    ASSERT_EQ(bytes.size(), 52U);
    const std::vector<std::uint8_t> start{0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0x81, 1, 0x12, 0x34, 0};
    EXPECT_TRUE(std::equal(start.begin(), start.end(), bytes.begin()));
    const std::vector<std::uint8_t> padding{0x80, 1, 0, 4, 0, 0, 0, 0};
    EXPECT_TRUE(std::equal(padding.begin(), padding.end(), bytes.begin() + 44));
    EXPECT_EQ(write({}, 0).size(), 44U);
    EXPECT_EQ(write({}, 46), std::vector<std::uint8_t>(46)) << "no room for the header of a TLV";
}

TEST(Stamp, ReadsAnAnswer) {
    std::vector<std::uint8_t> bytes(44);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(read_answer(bytes), (Answer{.sequence = 0x00010203,
                                          .time = 0x0405060708090a0b,
                                          .error_estimate = 0x0c0d,
                                          .ssid = 0x0e0f,
                                          .received = 0x1011121314151617,
                                          .their_sequence = 0x18191a1b,
                                          .their_time = 0x1c1d1e1f20212223,
                                          .their_error_estimate = 0x2425,
                                          .their_hop_limit = 0x28}));
    bytes.pop_back();
    EXPECT_FALSE(read_answer(bytes));
    EXPECT_FALSE(read_request(bytes));
}

}  // namespace
}  // namespace sidestep::stamp
