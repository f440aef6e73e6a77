// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whose claim to a prefix counts, one at a time and all together.
#include "detector/core/prefix_claims.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kRoom = 100;

Prefix prefix(std::string_view text) {
    return *Prefix::parse(text);
}

const Prefix kOne = prefix("2001:db8:1::/48");
const Prefix kHost = prefix("2001:db8:1::1");

std::map<Prefix, std::uint32_t> merged(const PrefixClaims& claims, std::size_t room = kRoom) {
    std::map<Prefix, std::uint32_t> result;
    const auto all = claims.merge(claims.set(), room);
    EXPECT_TRUE(all);
    for (const auto& claim : all->claims) EXPECT_TRUE(result.emplace(claim.prefix, claim.slot).second) << "twice";
    for (const auto& [claimed, slot] : result) EXPECT_EQ(claims.slot_of(claimed), slot);
    return result;
}

TEST(PrefixClaims, APolicyGoesBeforeAllElse) {
    PrefixClaims claims;
    EXPECT_EQ(claims.slot_of(kHost), std::nullopt);
    claims.set({.policies = {}, .left_out = {kHost}});
    EXPECT_EQ(claims.slot_of(kHost), SS_POLICY_NONE);
    claims.set_orphans({{kHost, 5}});
    EXPECT_EQ(claims.slot_of(kHost), 5U);
    EXPECT_EQ(merged(claims).at(kHost), 5U);
    EXPECT_TRUE(claims.exempt(kHost, true));
    EXPECT_EQ(claims.slot_of(kHost), SS_POLICY_EXEMPT);
    EXPECT_EQ(merged(claims).at(kHost), SS_POLICY_EXEMPT);
    claims.set({.policies = {{kHost, 7}}, .left_out = {kHost}});
    EXPECT_EQ(claims.slot_of(kHost), 7U);
    EXPECT_EQ(merged(claims).at(kHost), 7U);
}

TEST(PrefixClaims, WhatGoesUncoversWhatWasBelow) {
    PrefixClaims claims;
    claims.set({.policies = {{kHost, 7}}, .left_out = {kHost}});
    claims.set_orphans({{kHost, 5}});
    claims.exempt(kHost, true);
    claims.set_orphans({});
    EXPECT_EQ(claims.slot_of(kHost), 7U) << "the orphan was not what it led to";
    claims.set({.policies = {}, .left_out = {kHost}});
    EXPECT_EQ(claims.slot_of(kHost), SS_POLICY_EXEMPT);
    EXPECT_TRUE(claims.exempt(kHost, false));
    EXPECT_FALSE(claims.exempt(kHost, false));
    EXPECT_EQ(claims.slot_of(kHost), SS_POLICY_NONE);
    claims.set({});
    EXPECT_EQ(claims.slot_of(kHost), std::nullopt);
    EXPECT_THAT(merged(claims), IsEmpty());
}

TEST(PrefixClaims, OnlyChangedOrphansAreNamed) {
    PrefixClaims claims;
    const auto two = prefix("2001:db8:2::/48");
    const auto three = prefix("2001:db8:3::/48");
    EXPECT_THAT(claims.set_orphans({{kOne, 1}, {two, 1}}), ElementsAre(kOne, two));
    EXPECT_THAT(claims.set_orphans({{kOne, 1}, {two, 1}}), IsEmpty());
    EXPECT_THAT(claims.set_orphans({{kOne, 1}, {two, 2}, {three, 1}}), ElementsAre(two, three));
    EXPECT_THAT(claims.set_orphans({{three, 1}}), ElementsAre(kOne, two));
}

// What is left out stays out, though its orphan found no room of its own.
TEST(PrefixClaims, AnOrphanTakesThePlaceOfWhatIsLeftOut) {
    PrefixClaims claims;
    const auto two = prefix("2001:db8:2::/48");
    claims.set({.policies = {{kOne, 1}}, .left_out = {two}});
    claims.set_orphans({{two, 5}, {prefix("2001:db8:3::/48"), 5}});
    const auto all = claims.merge(claims.set(), 2);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->claims.size(), 2U);
    EXPECT_EQ(all->claims.at(1).prefix, two);
    EXPECT_EQ(all->claims.at(1).slot, 5U);
    EXPECT_EQ(all->unplaced, 1U);
}

// A failure makes orphans: they must not stand in the way of the set that is computed after it.
TEST(PrefixClaims, OrphansTakeTheRoomThatIsLeft) {
    PrefixClaims claims;
    claims.set({.policies = {{kOne, 1}, {prefix("2001:db8:2::/48"), 2}}, .left_out = {}});
    claims.exempt(kHost, true);
    std::map<Prefix, std::uint32_t> orphans;
    for (unsigned i = 10; i < 20; ++i) orphans.emplace(prefix("10.0." + std::to_string(i) + ".0/24"), 9);
    claims.set_orphans(orphans);
    const auto all = claims.merge(claims.set(), 5);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->claims.size(), 5U);
    EXPECT_EQ(all->unplaced, 8U);
    EXPECT_EQ(claims.merge(claims.set(), 2)->unplaced, 11U) << "own addresses, too: the set goes before them";
    const auto refused = claims.merge(claims.set(), 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "more than 1 protected prefixes");
}

TEST(PrefixClaims, OrphansTakeTheLengthsThatAreLeft) {
    PrefixClaims claims;
    std::map<Prefix, std::uint32_t> orphans;
    for (std::uint8_t length = 1; length <= 70; ++length) orphans.emplace(Prefix::covering(kHost.address, length), 9);
    claims.set_orphans(orphans);
    claims.exempt(kHost, true);
    auto all = claims.merge(claims.set(), kRoom);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->claims.size(), SS_MAX_LENGTHS);
    EXPECT_EQ(all->unplaced, 70U + 1U - SS_MAX_LENGTHS);
    claims.set({.policies = orphans, .left_out = {}});
    all = claims.merge(claims.set(), kRoom);
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().message, "more than 64 prefix lengths");
}

}  // namespace
}  // namespace sidestep
