// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests routes that outlive their link: what the kernel tells when a link or a route goes, in either order.
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

TEST_F(StaleRoutesTest, RoutesGoBeforeTheirInterface) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    EXPECT_THAT(claims(), IsEmpty()) << "a routing protocol may have removed it";
    down(2, 5s + 1ms);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

TEST_F(StaleRoutesTest, RoutesGoAfterTheirInterface) {
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    memory_.on_route(gone(kD, {kB}), 5s + 1ms);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

TEST_F(StaleRoutesTest, Ipv4RoutesGoWithoutAMessage) {
    memory_.on_route(route(kFour, {kB}), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByB)));
    EXPECT_THAT(memory_.take_changes(), ElementsAre(kFour));
    EXPECT_THAT(memory_.take_changes(), IsEmpty());
}

// Whatever the bypass, and for as long as it takes: a policy's candidates can take the packets.
TEST_F(StaleRoutesTest, WhatAFailureTookIsUnroutedUntilThereIsARoute) {
    const auto x = *Prefix::parse("2001:db8:d:1::/64");
    memory_.on_route(route(x, {kX}), 1s);
    memory_.on_route(route(kAllFour, {kX}), 1s);
    EXPECT_FALSE(memory_.take_unrouted_change());
    down(9, 5s);
    EXPECT_THAT(claims(), IsEmpty());
    EXPECT_THAT(memory_.unrouted(), UnorderedElementsAre(x, kAllFour));
    EXPECT_TRUE(memory_.take_unrouted_change());
    up(9, 6s);
    memory_.expire(100s);
    EXPECT_THAT(memory_.unrouted(), SizeIs(2));
    memory_.on_route(route(kD, {kX}), 101s);
    EXPECT_THAT(memory_.unrouted(), ElementsAre(kAllFour)) << "a shorter route will do";
    EXPECT_TRUE(memory_.take_unrouted_change());
    memory_.on_route(route(*Prefix::parse("::/0"), {kX}), 102s);
    EXPECT_THAT(memory_.unrouted(), ElementsAre(kAllFour)) << "the other family's does not";
}

TEST_F(StaleRoutesTest, AShorterRouteLeavesNothingUnrouted) {
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(route(kAllFour, {kC}), 1s);
    memory_.note_unrouted(kInFour);
    down(2, 5s);
    EXPECT_THAT(memory_.unrouted(), IsEmpty());
    down(3, 6s);
    EXPECT_THAT(memory_.unrouted(), ElementsAre(kAllFour));
}

TEST_F(StaleRoutesTest, ARouteThatADaemonWithdrewIsNotUnrouted) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    EXPECT_THAT(memory_.unrouted(), IsEmpty());
    memory_.note_unrouted(kD);
    EXPECT_THAT(memory_.unrouted(), ElementsAre(kD)) << "unless a policy begins without one";
}

TEST_F(StaleRoutesTest, ARouteWithdrawnLongBeforeIsNotStale) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    down(2, 6s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, AnotherRouteOrNextHopTakesOver) {
    memory_.on_route(route(kD, {kB, kC}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(route(kFour, {kC}, 30), 1s);
    down(2, 5s);
    EXPECT_THAT(claims(), IsEmpty());
    down(3, 6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByC), Pair(kFour, kByC)));
}

TEST_F(StaleRoutesTest, ANewRouteReplacesAStaleOne) {
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    memory_.on_route(route(kD, {kC}), 7s);
    EXPECT_THAT(claims(), IsEmpty());
}

// The message was on its way when the interface went down.
TEST_F(StaleRoutesTest, AnOldMessageReplacesNothing) {
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    memory_.on_route(route(kD, {kB}), 5s + 1ms);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

TEST_F(StaleRoutesTest, StaleRoutesExpire) {
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    memory_.expire(64s);
    EXPECT_THAT(claims(), SizeIs(1));
    memory_.expire(65s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, StaleRoutesExpireSoonerOnceTheInterfaceIsBack) {
    memory_.on_route(route(kD, {kB}), 1s);
    down(2, 5s);
    up(2, 7s);
    memory_.expire(16s);
    EXPECT_THAT(claims(), SizeIs(1)) << "the routing daemon needs some time";
    memory_.expire(17s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, TheSecondShutdownIsNotTakenForTheFirst) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kE, {kB}), 1s);
    down(2, 5s);
    up(2, 7s);
    memory_.on_route(route(kD, {kB}), 8s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kE, kByB)));
    down(2, 10s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB), Pair(kE, kByB)));
    memory_.expire(60s);
    EXPECT_THAT(claims(), SizeIs(2)) << "the second one has not ended";
    memory_.expire(65s);
    EXPECT_THAT(claims(), ElementsAre(Pair(kD, kByB))) << "each route has its own time";
}

TEST_F(StaleRoutesTest, OneNextHopLessIsNotAWithdrawal) {
    memory_.on_route(route(kD, {kB, kC}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    down(3, 6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByC)));
}

TEST_F(StaleRoutesTest, RoutesWithoutBypassAreLeft) {
    memory_.on_route(route(kD, {kX}), 1s);
    down(9, 5s);
    EXPECT_THAT(claims(), IsEmpty());
}

TEST_F(StaleRoutesTest, CarrierLossCountsWhereTheKernelSaysSo) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    without_carrier(2, {}, 5s);
    EXPECT_THAT(claims(), IsEmpty()) << "the FIB still names them";
    without_carrier(2, {.v4 = true, .v6 = false}, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByB)));
    without_carrier(2, {.v4 = true, .v6 = true}, 5s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kFour, kByB), Pair(kD, kByB)));
    up(2, 7s);
    memory_.on_route(route(kFour, {kB}), 7s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
}

// A routing daemon acts on the carrier, or on its own hellos.
TEST_F(StaleRoutesTest, WhatIsWithdrawnAfterAFailureIsStale) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kE, {kB}), 1s);
    without_carrier(2, {}, 5s);
    memory_.on_route(gone(kD, {kB}), 6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB)));
    memory_.on_route(gone(kE, {kB}), 66s);
    EXPECT_THAT(claims(), Not(Contains(Key(kE)))) << "that is another matter";
}

TEST_F(StaleRoutesTest, WhatIsWithdrawnAfterASilentFailureIsStale) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kE, {kB}), 1s);
    memory_.on_route(gone(kE, {kB}), 4900ms);
    memory_.on_adjacency(2, true, 5s);
    memory_.on_route(gone(kD, {kB}), 6s);
    EXPECT_THAT(claims(), UnorderedElementsAre(Pair(kD, kByB), Pair(kE, kByB)));
    memory_.on_adjacency(2, false, 8s);
    memory_.expire(17s);
    EXPECT_THAT(claims(), SizeIs(2));
    memory_.expire(18s);
    EXPECT_THAT(claims(), IsEmpty());
}

}  // namespace
}  // namespace sidestep::stale
