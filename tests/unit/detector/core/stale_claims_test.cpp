// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what becomes of stale routes: dumps that tell what messages did not, nexthop objects, and which packets a claim
// takes from which other routes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/core/stale_routes_case.hpp"

namespace sidestep::stale {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(StaleRoutesTest, ADumpTellsWhatWentSilently) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kE, {kB}), 1s);
    memory_.on_adjacency(2, true, 5s);
    memory_.doubt_routes();
    memory_.on_route(route(kE, {kB}), 6s);
    memory_.sweep(6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
    EXPECT_EQ(memory_.routes().size(), 1U);
}

// The kernel brings back hops of several without a word.
TEST_F(StaleRoutesTest, ADumpTellsWhatCameBack) {
    memory_.on_route(route(kFour, {kB, kC}), 1s);
    down(2, 5s);
    up(2, 6s);
    memory_.doubt_routes();
    memory_.on_route(route(kFour, {kB, kC}), 7s);
    memory_.sweep(7s);
    down(3, 8s);
    EXPECT_THAT(claims(), IsEmpty()) << "B has it";
}

TEST_F(StaleRoutesTest, NexthopObjectsAreFollowed) {
    memory_.on_nexthop({.id = 1, .hops = {kB}, .members = {}}, 1s);
    memory_.on_nexthop({.id = 2, .hops = {kC}, .members = {}}, 1s);
    memory_.on_nexthop({.id = 3, .hops = {}, .members = {1, 2}}, 1s);
    memory_.on_route(by_object(kD, 1), 1s);
    memory_.on_route(by_object(kE, 3), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
    down(3, 6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB), Pair(kE, kByC)));
}

TEST_F(StaleRoutesTest, NexthopObjectsGoWithTheCarrier) {
    memory_.on_nexthop({.id = 1, .hops = {kB}, .members = {}}, 1s);
    memory_.on_route(by_object(kD, 1), 1s);
    memory_.on_route(route(kE, {kB}), 1s);
    without_carrier(2, {}, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

TEST_F(StaleRoutesTest, ANexthopObjectMovesItsRoutes) {
    memory_.on_nexthop({.id = 1, .hops = {kB}, .members = {}}, 1s);
    memory_.on_route(by_object(kD, 1), 1s);
    memory_.on_nexthop({.id = 1, .hops = {kC}, .members = {}}, 2s);
    down(2, 5s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, ANexthopObjectSaysWhetherItMovesRoutes) {
    EXPECT_FALSE(memory_.on_nexthop({.id = 1, .hops = {kB}, .members = {}}, 1s));
    EXPECT_FALSE(memory_.on_nexthop({.id = 2, .hops = {kC}, .members = {}}, 1s));
    EXPECT_FALSE(memory_.on_nexthop({.id = 3, .hops = {}, .members = {1}}, 1s));
    EXPECT_FALSE(memory_.on_nexthop({.id = 3, .hops = {}, .members = {1, 2}}, 1s)) << "no route uses it";
    memory_.on_route(by_object(kE, 3), 1s);
    EXPECT_FALSE(memory_.on_nexthop({.id = 3, .hops = {}, .members = {1, 2}}, 1s)) << "as it was";
    EXPECT_TRUE(memory_.on_nexthop({.id = 3, .hops = {}, .members = {2}}, 1s));
    EXPECT_TRUE(memory_.on_nexthop({.id = 2, .hops = {kB}, .members = {}}, 1s)) << "a member of the group";
    EXPECT_FALSE(memory_.on_nexthop({.id = 1, .hops = {kC}, .members = {}}, 1s)) << "no member any more";
    EXPECT_TRUE(memory_.on_nexthop({.id = 3, .hops = {}, .members = {}, .gone = true}, 1s));
}

TEST_F(StaleRoutesTest, ANexthopObjectTakesItsRoutesAlong) {
    memory_.on_nexthop({.id = 1, .hops = {kB}, .members = {}}, 1s);
    memory_.on_route(by_object(kD, 1), 1s);
    memory_.on_adjacency(2, true, 5s);
    memory_.on_nexthop({.id = 1, .hops = {}, .members = {}, .gone = true}, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

// The FIB would answer with the shorter one.
TEST_F(StaleRoutesTest, AStaleRouteGoesBeforeAShorterOne) {
    memory_.on_route(route(kAllFour, {kC}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(route(kInFour, {kC}), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByBFirst), Pair(kInFour, kLeft)));
    const auto later = *Prefix::parse("10.4.2.0/24");
    memory_.on_route(route(later, {kC}), 6s);
    EXPECT_THAT(claims(), Contains(Pair(later, kLeft))) << "what is routed now is left alone";
    memory_.on_route(gone(later, {kC}), 7s);
    EXPECT_THAT(claims(), Not(Contains(Key(later))));
    memory_.on_route(route(kFour, {kC}), 8s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, ADefaultRouteTakesNothingFromOthers) {
    memory_.on_route(route(kAllFour, {kB}), 1s);
    memory_.on_route(route(kFour, {kC}), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), ElementsAre(Pair(kAllFour, kByB))) << "only for what the FIB has no route for";
}

TEST_F(StaleRoutesTest, OneClaimServesAllWithin) {
    memory_.on_route(route(kAllFour, {kB}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kAllFour, kByB), Pair(kD, kByB)));
}

TEST_F(StaleRoutesTest, ConnectedRoutesAreNeverStale) {
    auto connected = route(kInFour, {});
    connected.fixed = true;
    memory_.on_route(route(kAllFour, {kC}), 1s);
    memory_.on_route(connected, 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByBFirst), Pair(kInFour, kLeft)));
}

TEST_F(StaleRoutesTest, OnlyTablesThatRulesLeadTo) {
    memory_.on_rules(RouteFamily::v6, {.tables = {{254, Reach::always}, {100, Reach::selected}}});
    memory_.on_route(in_table(route(kD, {kB}), 100), 1s);
    memory_.on_route(in_table(route(kE, {kB}), 200), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

// Packets of other rules have to be left alone, so a stale route cannot go before what the FIB answers.
TEST_F(StaleRoutesTest, WhereRulesSelectTheFibIsAskedFirst) {
    memory_.on_rules(RouteFamily::v4, {.tables = {{254, Reach::always}, {100, Reach::selected}}});
    memory_.on_route(route(kAllFour, {kC}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(in_table(route(kInFour, {kC}), 100), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByB)));
}

TEST_F(StaleRoutesTest, ForgetsWhatLeadsNowhere) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kE, {kC}), 1s);
    down(2, 5s);
    down(3, 5s);
    memory_.forget([](std::uint32_t slot) { return slot == 2; });
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kE, kByC)));
}

TEST_F(StaleRoutesTest, CountsWhatFindsNoRoom) {
    StaleRoutes small([](const RouteHop&) { return 2U; }, 1, 2);
    small.on_route(route(kD, {kB}), 1s);
    small.on_route(route(kFour, {kB}), 1s);
    small.on_route(route(kE, {kB}), 1s);
    EXPECT_EQ(small.routes().size(), 2U);
    EXPECT_EQ(small.routes().forgotten(), 1U);
    small.on_link({.ifindex = 2, .ignored = {}}, 5s);
    EXPECT_THAT(small.claims(), SizeIs(1));
    EXPECT_EQ(small.unplaced(), 1U);
}

}  // namespace
}  // namespace sidestep::stale
