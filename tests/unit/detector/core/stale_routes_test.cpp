// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests routes that outlive their link: what the kernel tells, and what it does not. B and C are neighbors with bypasses,
// in slots 2 and 3, on interfaces of these numbers; X is one without.
#include "detector/core/stale_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const Prefix kD = *Prefix::parse("2001:db8:d::/48");
const Prefix kE = *Prefix::parse("2001:db8:e::/48");
const Prefix kFour = *Prefix::parse("10.4.0.0/16");
const Prefix kInFour = *Prefix::parse("10.4.1.0/24");
const Prefix kAllFour = *Prefix::parse("0.0.0.0/0");
const RouteHop kB{.ifindex = 2, .gateway = *Address::parse("fe80::b")};
const RouteHop kC{.ifindex = 3, .gateway = *Address::parse("fe80::c")};
const RouteHop kX{.ifindex = 9, .gateway = *Address::parse("fe80::1")};
const StaleClaim kByB{.slot = 2, .unrouted = true};
const StaleClaim kByC{.slot = 3, .unrouted = true};
const StaleClaim kByBFirst{.slot = 2, .unrouted = false};
const StaleClaim kLeft{.slot = SS_POLICY_NONE, .unrouted = false};

RouteChange route(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = false};
}

RouteChange gone(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = true};
}

RouteChange in_table(RouteChange change, std::uint32_t table) {
    change.table = table;
    return change;
}

RouteChange by_object(const Prefix& prefix, std::uint32_t nexthop) {
    return {.prefix = prefix, .metric = 20, .hops = {}, .nexthop = nexthop};
}

class StaleRoutesTest : public testing::Test {
  protected:
    void down(int ifindex, Nanoseconds now) { memory_.on_link({.ifindex = ifindex, .ignored = {}}, now); }
    void up(int ifindex, Nanoseconds now) {
        memory_.on_link({.ifindex = ifindex, .up = true, .running = true, .ignored = {}}, now);
    }
    void without_carrier(int ifindex, LinkdownIgnored ignored, Nanoseconds now) {
        memory_.on_link({.ifindex = ifindex, .up = true, .running = false, .ignored = ignored}, now);
    }
    [[nodiscard]] const std::map<Prefix, StaleClaim>& claims() const { return memory_.claims(); }

    StaleRoutes memory_{[](const RouteHop& hop) { return hop == kB   ? 2U
                                                         : hop == kC ? 3U
                                                                     : SS_POLICY_EXEMPT; }, 100,
                        100};
};

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
}  // namespace sidestep
