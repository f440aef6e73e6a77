// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which source of a prefix counts, for one prefix and for whole sets.
#include "detector/core/prefix_sources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kRoom = 100;

Prefix net(std::string_view text) {
    return *Prefix::parse(text);
}

const Prefix kOne = net("2001:db8:1::/48");
const Prefix kHost = net("2001:db8:1::1");

std::map<Prefix, std::uint32_t> merged(const PrefixSources& entries, std::size_t room = kRoom) {
    std::map<Prefix, std::uint32_t> result;
    const auto all = entries.merge(entries.set(), room);
    EXPECT_TRUE(all);
    for (const auto& claim : all->entries) EXPECT_TRUE(result.emplace(claim.prefix, claim.slot).second) << "twice";
    for (const auto& [claimed, slot] : result) EXPECT_EQ(entries.slot_of(claimed), slot);
    return result;
}

TEST(PrefixSources, APolicyGoesBeforeAllElse) {
    PrefixSources entries;
    EXPECT_EQ(entries.slot_of(kHost), std::nullopt);
    entries.set({.policies = {}, .unprotected = {kHost}});
    EXPECT_EQ(entries.slot_of(kHost), SS_POLICY_NONE);
    entries.change_stale(kHost, 5);
    EXPECT_EQ(entries.slot_of(kHost), 5U);
    EXPECT_EQ(merged(entries).at(kHost), 5U);
    EXPECT_TRUE(entries.exempt(kHost, true));
    EXPECT_EQ(entries.slot_of(kHost), SS_POLICY_EXEMPT);
    EXPECT_EQ(merged(entries).at(kHost), SS_POLICY_EXEMPT);
    entries.set({.policies = {{kHost, 7}}, .unprotected = {kHost}});
    EXPECT_EQ(entries.slot_of(kHost), 7U);
    EXPECT_EQ(merged(entries).at(kHost), 7U);
}

TEST(PrefixSources, ASourceThatGoesUncoversTheNext) {
    PrefixSources entries;
    entries.set({.policies = {{kHost, 7}}, .unprotected = {kHost}});
    entries.change_stale(kHost, 5);
    entries.exempt(kHost, true);
    entries.change_stale(kHost, std::nullopt);
    EXPECT_EQ(entries.slot_of(kHost), 7U) << "the stale route was not in effect";
    entries.set({.policies = {}, .unprotected = {kHost}});
    EXPECT_EQ(entries.slot_of(kHost), SS_POLICY_EXEMPT);
    EXPECT_TRUE(entries.exempt(kHost, false));
    EXPECT_FALSE(entries.exempt(kHost, false));
    EXPECT_EQ(entries.slot_of(kHost), SS_POLICY_NONE);
    entries.set({});
    EXPECT_EQ(entries.slot_of(kHost), std::nullopt);
    EXPECT_THAT(merged(entries), IsEmpty());
}

TEST(PrefixSources, OnlyChangedInnerRoutesAreReported) {
    PrefixSources entries;
    const auto two = net("2001:db8:2::/48");
    const auto three = net("2001:db8:3::/48");
    EXPECT_THAT(entries.set_inner({{kOne, 1}, {two, 1}}), ElementsAre(kOne, two));
    EXPECT_THAT(entries.set_inner({{kOne, 1}, {two, 1}}), IsEmpty());
    EXPECT_THAT(entries.set_inner({{kOne, 1}, {two, 2}, {three, 1}}), ElementsAre(two, three));
    EXPECT_THAT(entries.set_inner({{three, 1}}), ElementsAre(kOne, two));
}

// An unprotected prefix keeps its entry, even if its stale route needs it.
TEST(PrefixSources, AStaleRouteTakesTheEntryOfAnUnprotectedPrefix) {
    PrefixSources entries;
    const auto two = net("2001:db8:2::/48");
    entries.set({.policies = {{kOne, 1}}, .unprotected = {two}});
    entries.change_stale(two, 5);
    entries.change_stale(net("2001:db8:3::/48"), 5);
    const auto all = entries.merge(entries.set(), 2);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->entries.size(), 2U);
    EXPECT_EQ(all->entries.at(1).prefix, two);
    EXPECT_EQ(all->entries.at(1).slot, 5U);
    EXPECT_EQ(all->unplaced, 1U);
}

// A failure produces stale routes; they must leave room for the set that is computed after it.
TEST(PrefixSources, StaleRoutesTakeTheRoomThatIsLeft) {
    PrefixSources entries;
    entries.set({.policies = {{kOne, 1}, {net("2001:db8:2::/48"), 2}}, .unprotected = {}});
    entries.exempt(kHost, true);
    std::map<Prefix, std::uint32_t> stale;
    for (unsigned i = 10; i < 20; ++i) stale.emplace(net("10.0." + std::to_string(i) + ".0/24"), 9);
    for (const auto& [lost, slot] : stale) entries.change_stale(lost, slot);
    const auto all = entries.merge(entries.set(), 5);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->entries.size(), 5U);
    EXPECT_EQ(all->unplaced, 8U);
    EXPECT_EQ(entries.merge(entries.set(), 2)->unplaced, 11U) << "own addresses, too: the set comes first";
    const auto refused = entries.merge(entries.set(), 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "prefix table full: more than 1 protected prefixes; remove some prefixes");
}

TEST(PrefixSources, WhatTheKernelEncryptsKeepsItsPolicyAndIsMarked) {
    PrefixSources entries;
    const auto inside = net("2001:db8:1:5::/64");
    const auto deeper = net("2001:db8:1:5:8000::/65");
    const auto outside = net("2001:db8:2::/48");
    entries.set({.policies = {{kOne, 7}, {deeper, 8}, {outside, 9}}, .unprotected = {}});
    EXPECT_TRUE(entries.guard({inside}));
    EXPECT_FALSE(entries.guard({inside}));
    EXPECT_EQ(merged(entries), (std::map<Prefix, std::uint32_t>{
                                   {kOne, 7}, {inside, 7 | kKernelFirst}, {deeper, 8 | kKernelFirst}, {outside, 9}}));
    EXPECT_TRUE(entries.guard({}));
    EXPECT_EQ(merged(entries).size(), 3U);
}

TEST(PrefixSources, WhatTheKernelEncryptsMayBeInNoPolicy) {
    PrefixSources entries;
    entries.set({.policies = {}, .unprotected = {kOne}});
    entries.exempt(kHost, true);
    entries.change_stale(net("2001:db8:1:1::/64"), 5 | kOnlyUnrouted);
    entries.guard({net("::/0")});
    EXPECT_EQ(merged(entries),
              (std::map<Prefix, std::uint32_t>{{net("::/0"), kKernelFirst},
                                               {kOne, kKernelFirst},
                                               {kHost, SS_POLICY_EXEMPT},
                                               {net("2001:db8:1:1::/64"), 5 | kOnlyUnrouted | kKernelFirst}}));
}

TEST(PrefixSources, FamiliesAreGuardedByThemselves) {
    PrefixSources entries;
    entries.set({.policies = {{kOne, 1}, {net("10.1.0.0/16"), 2}}, .unprotected = {}});
    entries.guard({net("::/0")});
    EXPECT_EQ(entries.slot_of(net("10.1.0.0/16")), 2U);
    entries.guard({net("0.0.0.0/0")});
    EXPECT_EQ(entries.slot_of(net("10.1.0.0/16")), 2U | kKernelFirst);
    EXPECT_EQ(entries.slot_of(kOne), 1U);
}

TEST(PrefixSources, WhatIsGuardedFollowsWhatCoversIt) {
    PrefixSources entries;
    const auto inside = net("2001:db8:1:5::/64");
    entries.set({.policies = {{net("::/0"), 7}}, .unprotected = {}});
    entries.guard({inside});
    EXPECT_EQ(entries.slot_of(inside), 7U | kKernelFirst);
    const auto changed = entries.set_inner({{kOne, SS_POLICY_NONE}});
    EXPECT_THAT(entries.guarded_below(changed), ElementsAre(inside));
    EXPECT_EQ(entries.slot_of(inside), kKernelFirst);
    EXPECT_THAT(entries.guarded_below({net("2001:db8:2::/48")}), IsEmpty());
}

TEST(PrefixSources, WhatIsGuardedHasTheRoomBeforeRoutes) {
    PrefixSources entries;
    entries.set({.policies = {{kOne, 1}}, .unprotected = {}});
    entries.guard({net("2001:db8:1:5::/64"), net("2001:db8:1:6::/64")});
    entries.exempt(kHost, true);
    auto all = entries.merge(entries.set(), 3);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->unguarded, 0U);
    EXPECT_EQ(all->unplaced, 1U);
    all = entries.merge(entries.set(), 2);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->unguarded, 1U);
}

TEST(PrefixSources, StaleRoutesTakeTheLengthsThatAreLeft) {
    PrefixSources entries;
    std::map<Prefix, std::uint32_t> stale;
    for (std::uint8_t length = 1; length <= 70; ++length) stale.emplace(Prefix::covering(kHost.address, length), 9);
    for (const auto& [lost, slot] : stale) entries.change_stale(lost, slot);
    entries.exempt(kHost, true);
    auto all = entries.merge(entries.set(), kRoom);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->entries.size(), SS_MAX_LENGTHS);
    EXPECT_EQ(all->unplaced, 70U + 1U - SS_MAX_LENGTHS);
    entries.set({.policies = stale, .unprotected = {}});
    all = entries.merge(entries.set(), kRoom);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().message, "prefix table: more than 64 different prefix lengths; remove some prefixes");
}

}  // namespace
}  // namespace sidestep
