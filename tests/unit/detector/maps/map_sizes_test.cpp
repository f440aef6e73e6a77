// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Maps have room for a configuration that grows a little, however small it was.
#include "detector/maps/map_sizes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

Config with_policies(int policies, int prefixes) {
    Config config;
    config.adjacencies.emplace_back().name = "A-B";
    SegmentListConfig list;
    list.adjacency = "A-B";
    for (int i = 0; i < policies; ++i) {
        PolicyConfig policy;
        policy.name = fmt::format("p{}", i);
        for (int j = 0; j < prefixes; ++j)
            policy.prefixes.push_back(*Prefix::parse(fmt::format("2001:db8:{:x}:{:x}::/64", i, j)));
        policy.candidates = {{.lists = {list}}, {.lists = {list}}};
        config.policies.push_back(policy);
    }
    return config;
}

TEST(MapSizes, ASmallConfigurationMayGrowALot) {
    const auto sizes = map_sizes(with_policies(1, 1));
    EXPECT_TRUE(fits(with_policies(1, 1), sizes));
    EXPECT_TRUE(fits(with_policies(2, 1), sizes));
    EXPECT_TRUE(fits(with_policies(50, 4), sizes));
    EXPECT_FALSE(fits(with_policies(200, 40), sizes));
}

TEST(MapSizes, ALargeOneMayGrowByAnEighth) {
    const auto sizes = map_sizes(with_policies(800, 50));
    EXPECT_TRUE(fits(with_policies(890, 50), sizes));
    EXPECT_FALSE(fits(with_policies(1600, 50), sizes));
}

// A table beyond what the cache holds is slower, and each further prefix needs two cells in two banks.
TEST(MapSizes, ManyPrefixesHaveAShareOfRoomAndNotMore) {
    const auto bytes_for = [](int policies, int prefixes) {
        const auto sizes = map_sizes(with_policies(policies, prefixes));
        return 2 * (sizes.cells * sizeof(ss_cell) + sizes.filter_words * sizeof(std::uint64_t));
    };
    EXPECT_LE(bytes_for(50, 2000), 170UL * 100'000);
    constexpr std::size_t kRoutesInside = 16384;
    EXPECT_GE(bytes_for(1, 1), 4UL * kRoutesInside * sizeof(ss_cell)) << "::/0 alone may hold many routes";
    std::size_t last = 0;
    for (int policies = 1; policies <= 64; policies *= 2) {
        const auto bytes = bytes_for(policies, 2000);
        EXPECT_GT(bytes, last) << policies;
        last = bytes;
    }
}

}  // namespace
}  // namespace sidestep
