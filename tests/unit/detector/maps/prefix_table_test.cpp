// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the prefix tables: the data plane finds all prefixes and nothing else, and the table in force refuses what does
// not fit.
#include "detector/maps/prefix_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bpf/lib/prefix_hash.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kBank = 1;

using Slots = std::map<Prefix, std::uint32_t>;

std::vector<PrefixEntry> entries_of(const Slots& slots) {
    std::vector<PrefixEntry> entries;
    for (const auto& [prefix, slot] : slots) entries.push_back({.prefix = prefix, .slot = slot});
    return entries;
}

Slots random_prefixes(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    Slots result;
    while (result.size() < count) {
        Address address;
        for (auto& byte : address.bytes) byte = static_cast<std::uint8_t>(random());
        const auto length = static_cast<std::uint8_t>(32 + random() % 4 * 16);
        result.emplace(Prefix::covering(address, length), static_cast<std::uint32_t>(result.size() + 1));
    }
    return result;
}

ss_target target_of(std::uint32_t slot) {
    return {.policy = slot, .stats = 7 * slot};
}

std::array<__u64, 2> words_of(const Prefix& prefix) {
    std::array<__u64, 2> words{};
    std::memcpy(words.data(), prefix.address.bytes.data(), sizeof words);
    return words;
}

/// The memory of both tables, and the second of them.
struct Memory {
    explicit Memory(std::uint32_t prefixes)
        : cells(2UL * PrefixTable::cells_for(prefixes)),
          words(2UL * PrefixTable::words_for(prefixes)),
          table(head, cells, words, kBank) {}

    bool build(const Slots& slots) { return table.build(entries_of(slots), target_of); }
    [[nodiscard]] std::uint64_t hash(const Prefix& prefix) const {
        const auto address = words_of(prefix);
        return ss_prefix_hash(address[0], address[1], prefix.length, head.seed);
    }
    [[nodiscard]] bool maybe(const Prefix& prefix) const {
        return (words.at(ss_filter_word(&head, hash(prefix))) >> ss_filter_bit(hash(prefix)) & 1) != 0;
    }
    // Looks up like bpf/lib/lookup.h; 0 if there is no such prefix.
    [[nodiscard]] std::uint32_t policy_of(const Prefix& prefix) const {
        const auto address = words_of(prefix);
        if (!maybe(prefix)) return 0;
        for (std::uint32_t i = 0; i < SS_MAX_REACH; ++i) {
            const auto& cell = cells.at(ss_home(&head, hash(prefix)) + i);
            if (cell.length == SS_CELL_FREE) return 0;
            if (cell.length == prefix.length + 1U && std::ranges::equal(cell.address, address)) {
                EXPECT_EQ(cell.target.stats, 7 * cell.target.policy);
                return cell.target.policy;
            }
        }
        return 0;
    }

    ss_prefix_table head{};
    std::vector<ss_cell> cells;
    std::vector<std::uint64_t> words;
    PrefixTable table;
};

TEST(PrefixTable, FindsAllAndNothingElse) {
    constexpr std::size_t kCount = 100'000;
    Memory memory(kCount);
    const auto prefixes = random_prefixes(kCount, 1);
    ASSERT_TRUE(memory.build(prefixes));
    for (const auto& [prefix, slot] : prefixes) ASSERT_EQ(memory.policy_of(prefix), slot) << prefix.to_string();
    std::size_t looked_for = 0;
    for (const auto& [prefix, slot] : random_prefixes(kCount, 2)) {
        ASSERT_EQ(memory.policy_of(prefix), prefixes.contains(prefix) ? prefixes.at(prefix) : 0U);
        looked_for += memory.maybe(prefix) ? 1 : 0;
    }
    EXPECT_LT(looked_for, kCount / 10) << "the bitmap answers most lookups";
    const auto first = std::span(memory.cells).first(memory.cells.size() / 2);
    EXPECT_TRUE(std::ranges::all_of(first, [](const ss_cell& cell) { return cell.length == SS_CELL_FREE; }))
        << "the other table's";
}

// The bitmap is worth its memory only if all kinds of prefixes use all of it.
TEST(PrefixTable, TheBitmapTellsHostsAndSubnetsApart) {
    constexpr unsigned kCount = 4000;
    const auto nth = [](const std::string& kind, unsigned i) {
        const auto text = kind == "v4 hosts" ? "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)
                          : kind == "v4 subnets"
                              ? "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".0/24"
                              : "2001:db8::" + std::to_string(i);
        return *Prefix::parse(text);
    };
    for (const std::string kind : {"v4 hosts", "v4 subnets", "v6 hosts"}) {
        Memory memory(kCount);
        Slots half;
        for (unsigned i = 0; i < kCount; i += 2) half.emplace(nth(kind, i), i + 1);
        ASSERT_TRUE(memory.build(half));
        unsigned looked_for = 0;
        for (unsigned i = 1; i < kCount; i += 2) looked_for += memory.maybe(nth(kind, i)) ? 1 : 0;
        EXPECT_LT(looked_for, kCount / 20) << kind;
    }
}

// In a large table, a few prefixes must not be spread over a bitmap too large for the cache.
TEST(PrefixTable, TheBitmapIsOnlyAsLargeAsNecessary) {
    Memory memory(100'000);
    ASSERT_TRUE(memory.build(random_prefixes(100, 1)));
    EXPECT_EQ(memory.head.filter_mask + 1, PrefixTable::words_for(100));
    std::size_t added = 0;
    for (const auto& [prefix, slot] : random_prefixes(1000, 2)) {
        if (!memory.table.put(prefix, target_of(slot))) break;
        ASSERT_EQ(memory.policy_of(prefix), slot);
        ++added;
    }
    EXPECT_GE(added, std::size_t{100});
    EXPECT_LE(added, std::size_t{200}) << "more need a larger one";
    ASSERT_TRUE(memory.build(random_prefixes(100'000, 3)));
    EXPECT_EQ(memory.head.filter_mask + 1, PrefixTable::words_for(100'000));
}

TEST(PrefixTable, LengthsAreThoseInUseLongestFirst) {
    Memory memory(10);
    ASSERT_TRUE(memory.build(
        {{*Prefix::parse("2001:db8::/32"), 1}, {*Prefix::parse("::/0"), 2}, {*Prefix::parse("2001:db8::1"), 3}}));
    ASSERT_EQ(memory.head.lengths[SS_IPV6], 3U);
    EXPECT_EQ(memory.head.lengths[SS_IPV4], 0U);
    EXPECT_EQ(memory.head.length[SS_IPV6][0].length, 128U);
    EXPECT_EQ(memory.head.length[SS_IPV6][1].length, 32U);
    EXPECT_EQ(memory.head.length[SS_IPV6][2].length, 0U);
    ASSERT_TRUE(memory.build({{*Prefix::parse("10.0.0.0/8"), 1}}));
    EXPECT_EQ(memory.head.lengths[SS_IPV6], 0U);
    ASSERT_EQ(memory.head.lengths[SS_IPV4], 1U);
    EXPECT_EQ(memory.head.length[SS_IPV4][0].length, 104U);
}

TEST(PrefixTable, MoreThanFitsIsRefused) {
    Memory memory(100);
    EXPECT_TRUE(memory.build(random_prefixes(100, 1)));
    EXPECT_FALSE(memory.build(random_prefixes(101, 1)));
    Slots lengths;
    for (std::uint8_t length = 0; length <= SS_MAX_LENGTHS; ++length)
        lengths.emplace(Prefix::covering(*Address::parse("2001:db8::1"), length), 1);
    EXPECT_FALSE(memory.build(lengths));
    lengths.erase(lengths.begin());
    EXPECT_TRUE(memory.build(lengths));
}

TEST(PrefixTable, PrefixesChangeInTheTableInForce) {
    Memory memory(100);
    const auto prefixes = random_prefixes(50, 1);
    ASSERT_TRUE(memory.build(prefixes));
    for (const auto& [prefix, slot] : random_prefixes(60, 2)) ASSERT_TRUE(memory.table.put(prefix, target_of(slot)));
    const auto& one = prefixes.begin()->first;
    ASSERT_TRUE(memory.table.put(one, target_of(77)));
    EXPECT_EQ(memory.policy_of(one), 77U);
    memory.table.drop(one);
    memory.table.drop(one);
    EXPECT_EQ(memory.policy_of(one), 0U);
    for (const auto& [prefix, slot] : prefixes) {
        ASSERT_EQ(memory.policy_of(prefix), prefix == one ? 0U : slot);
    }
    for (const auto& [prefix, slot] : random_prefixes(60, 2)) ASSERT_EQ(memory.policy_of(prefix), slot);
}

TEST(PrefixTable, ATableInForceAsksToBeRebuilt) {
    Memory memory(64);
    ASSERT_TRUE(memory.build({{*Prefix::parse("2001:db8::/48"), 1}}));
    EXPECT_FALSE(memory.table.put(*Prefix::parse("2001:db8::/64"), target_of(2))) << "a new length";
    const auto flapping = *Prefix::parse("2001:db8:1::/48");
    std::size_t times = 0;
    while (memory.table.put(flapping, target_of(3))) {
        ASSERT_LT(times++, std::size_t{1000}) << "cells are not reused: a packet may still use one";
        ASSERT_EQ(memory.policy_of(flapping), 3U);
        memory.table.drop(flapping);
        ASSERT_EQ(memory.policy_of(flapping), 0U);
    }
    EXPECT_GT(times, std::size_t{64});
    EXPECT_EQ(memory.policy_of(*Prefix::parse("2001:db8::/48")), 1U);
}

// More prefixes with one home than cells in reach: another seed spreads them.
TEST(PrefixTable, CollidingPrefixesGetAnotherSeed) {
    Memory memory(1000);
    std::mt19937 random(1);
    Slots prefixes;
    while (prefixes.size() < SS_MAX_REACH + 10U) {
        Address address;
        for (std::size_t i = 0; i < 6; ++i) address.bytes.at(i) = static_cast<std::uint8_t>(random());
        const auto prefix = Prefix::covering(address, 48);
        if (ss_home(&memory.head, memory.hash(prefix)) < memory.head.first + 2) prefixes.emplace(prefix, 5);
    }
    ASSERT_EQ(memory.head.seed, 0U);
    ASSERT_TRUE(memory.build(prefixes));
    EXPECT_NE(memory.head.seed, 0U);
    for (const auto& [prefix, slot] : prefixes) ASSERT_EQ(memory.policy_of(prefix), slot);
}

TEST(PrefixTable, BitmapsArePowersOfTwo) {
    EXPECT_EQ(PrefixTable::words_for(0), 16U);
    EXPECT_EQ(PrefixTable::words_for(100'000), 32'768U);
}

}  // namespace
}  // namespace sidestep
