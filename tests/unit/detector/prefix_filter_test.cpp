// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bitmap of prefixes: never a bit too few, few too many, none left behind.
#include "detector/app/prefix_filter.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/filter.h"

namespace sidestep {
namespace {

std::vector<Prefix> random_prefixes(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<Prefix> result;
    for (std::size_t i = 0; i < count; ++i) {
        Address address;
        for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
        result.push_back(Prefix::covering(address, static_cast<std::uint8_t>(32 + random() % 4 * 16)));
    }
    return result;
}

// As the data plane asks.
bool maybe(const std::vector<std::uint64_t>& words, const Prefix& prefix) {
    std::array<__u64, 2> address{};
    std::memcpy(address.data(), prefix.address.bytes.data(), sizeof address);
    const auto hash = ss_filter_hash(address.data(), prefix.length);
    return (words[hash & (words.size() - 1)] >> ss_filter_bit(hash) & 1) != 0;
}

TEST(PrefixFilter, KnowsAllAndFewMore) {
    constexpr std::size_t kCount = 20'000;
    std::vector<std::uint64_t> words(PrefixFilter::words_for(kCount));
    PrefixFilter filter(words);
    const auto prefixes = random_prefixes(kCount, 1);
    for (const auto& prefix : prefixes) filter.add(prefix);
    for (const auto& prefix : prefixes) ASSERT_TRUE(maybe(words, prefix)) << prefix.to_string();
    const auto others = random_prefixes(kCount, 2);
    const auto wrong = std::ranges::count_if(others, [&](const Prefix& prefix) { return maybe(words, prefix); });
    EXPECT_LT(wrong, static_cast<std::ptrdiff_t>(kCount / 10));
}

TEST(PrefixFilter, LeavesNothingBehind) {
    std::vector<std::uint64_t> words(PrefixFilter::words_for(10));
    PrefixFilter filter(words);
    const auto prefixes = random_prefixes(5'000, 3);  // far too many: bits are shared
    for (const auto& prefix : prefixes) filter.add(prefix);
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        ASSERT_TRUE(maybe(words, prefixes[i]));
        filter.remove(prefixes[i]);
    }
    EXPECT_TRUE(std::ranges::all_of(words, [](std::uint64_t word) { return word == 0; }));
    filter.remove(prefixes[0]);
    EXPECT_TRUE(std::ranges::all_of(words, [](std::uint64_t word) { return word == 0; }));
}

TEST(PrefixFilter, SizesArePowersOfTwo) {
    EXPECT_EQ(PrefixFilter::words_for(0), 64U);
    EXPECT_EQ(PrefixFilter::words_for(100'000), 32'768U);
}

}  // namespace
}  // namespace sidestep
