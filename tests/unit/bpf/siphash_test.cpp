// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests SipHash-2-4 against the published vector and a second implementation, written from the paper for any length.
#include "bpf/lib/siphash.h"

#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <span>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

std::uint64_t read_state(std::span<const std::uint8_t> bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

// Figure 2.1 of the paper, with the state as an array.
std::uint64_t naive_siphash(std::uint64_t k0, std::uint64_t k1, std::span<const std::uint8_t> message) {
    std::array<std::uint64_t, 4> v{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                                   k1 ^ 0x7465646279746573};
    const auto half = [&](int a, int b, int turn) {
        v[a] += v[b];
        v[b] = std::rotl(v[b], turn) ^ v[a];
    };
    const auto rounds = [&](int count) {
        for (int i = 0; i < count; ++i) {
            half(0, 1, 13);
            half(2, 3, 16);
            v[0] = std::rotl(v[0], 32);
            half(2, 1, 17);
            half(0, 3, 21);
            v[2] = std::rotl(v[2], 32);
        }
    };
    const auto whole = message.size() / 8;
    for (std::size_t i = 0; i <= whole; ++i) {
        auto word = read_state(message.subspan(8 * i, i < whole ? 8 : message.size() % 8));
        if (i == whole) word |= std::uint64_t{message.size()} << 56;
        v[3] ^= word;
        rounds(2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    rounds(4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

template <std::size_t kSize>
std::array<std::uint8_t, kSize> counting() {
    std::array<std::uint8_t, kSize> bytes{};
    for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<std::uint8_t>(i);
    return bytes;
}

constexpr std::uint64_t kKey0 = 0x0706050403020100;
constexpr std::uint64_t kKey1 = 0x0f0e0d0c0b0a0908;

TEST(SipHash, NaiveOneAgreesWithThePaper) {
    // Appendix A: 15 bytes 00..0e.
    EXPECT_EQ(naive_siphash(kKey0, kKey1, counting<15>()), 0xa129ca6149be45e5);
}

TEST(SipHash, PublishedVectorOf16Bytes) {
    // vectors_sip64[16] of the reference implementation: db 9b c2 57 7f cc 2a 3f.
    const ss_secret secret{{kKey0, kKey1}};
    const auto input = counting<16>();
    const auto hash =
        ss_siphash16(&secret, read_state(std::span(input).first(8)), read_state(std::span(input).last(8)));
    const std::array<std::uint8_t, 8> expected{0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f};
    EXPECT_EQ(hash, read_state(expected));
}

TEST(SipHash, AgreesWithTheNaiveOne) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 10'000; ++i) {
        const ss_secret secret{{random(), random()}};
        const std::array<std::uint64_t, 2> words{random(), random()};
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), words.data(), sizeof(words));
        ASSERT_EQ(ss_siphash16(&secret, words[0], words[1]), naive_siphash(secret.key[0], secret.key[1], bytes));
    }
}

}  // namespace
}  // namespace sidestep
