// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests routes that outlive their interface: both orders of the kernel's messages, several next hops, and expiry.
#include "detector/core/stale_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

const Prefix kD = *Prefix::parse("2001:db8:d::/48");
const Prefix kFour = *Prefix::parse("10.4.0.0/16");
const RouteHop kB{.ifindex = 2, .gateway = *Address::parse("fe80::b")};
const RouteHop kC{.ifindex = 3, .gateway = *Address::parse("fe80::c")};

RouteChange route(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = false};
}

RouteChange gone(const Prefix& prefix, std::vector<RouteHop> hops, unsigned metric = 20) {
    return {.prefix = prefix, .metric = metric, .hops = std::move(hops), .gone = true};
}

class StaleRoutesTest : public testing::Test {
  protected:
    StaleRoutes memory_{100};
};

TEST_F(StaleRoutesTest, RoutesGoBeforeTheirInterface) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    EXPECT_THAT(memory_.stale(), IsEmpty()) << "a routing protocol may have removed it";
    memory_.on_interface(2, false, 5s + 1ms);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kD, kB)));
}

TEST_F(StaleRoutesTest, RoutesGoAfterTheirInterface) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_interface(2, false, 5s);
    memory_.on_route(gone(kD, {kB}), 5s + 1ms);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kD, kB)));
}

TEST_F(StaleRoutesTest, WithIpv6AloneTheOthersStay) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    memory_.on_ip_off(2, 5s + 1ms);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kD, kB)));
    memory_.on_ip_off(2, 30s);
    memory_.expire(65s + 2ms);
    EXPECT_THAT(memory_.stale(), IsEmpty()) << "a minute from the first word of it";
    memory_.on_interface(2, false, 70s);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kFour, kB)));
}

TEST_F(StaleRoutesTest, Ipv4RoutesGoWithoutAMessage) {
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_interface(2, false, 5s);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kFour, kB)));
}

TEST_F(StaleRoutesTest, ARouteWithdrawnLongBeforeIsNotStale) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    memory_.on_interface(2, false, 6s);
    EXPECT_THAT(memory_.stale(), IsEmpty());
}

TEST_F(StaleRoutesTest, AnotherRouteOrNextHopTakesOver) {
    memory_.on_route(route(kD, {kB, kC}), 1s);
    memory_.on_route(route(kFour, {kB}), 1s);
    memory_.on_route(route(kFour, {kC}, 30), 1s);
    memory_.on_interface(2, false, 5s);
    EXPECT_THAT(memory_.stale(), IsEmpty());
    memory_.on_interface(3, false, 6s);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kD, kC), Pair(kFour, kC)));
}

TEST_F(StaleRoutesTest, ANewRouteReplacesAStaleOne) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_interface(2, false, 5s);
    memory_.on_route(route(kD, {kC}), 7s);
    EXPECT_THAT(memory_.stale(), IsEmpty());
}

TEST_F(StaleRoutesTest, StaleRoutesExpire) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_interface(2, false, 5s);
    memory_.expire(64s);
    EXPECT_EQ(memory_.stale().size(), 1U);
    memory_.expire(65s);
    EXPECT_THAT(memory_.stale(), IsEmpty());
}

TEST_F(StaleRoutesTest, StaleRoutesExpireSoonerOnceTheInterfaceIsBack) {
    memory_.on_route(route(kD, {kB}), 1s);
    memory_.on_interface(2, false, 5s);
    memory_.on_interface(2, true, 7s);
    memory_.expire(16s);
    EXPECT_EQ(memory_.stale().size(), 1U) << "the routing daemon needs some time";
    memory_.expire(17s);
    EXPECT_THAT(memory_.stale(), IsEmpty());
}

TEST_F(StaleRoutesTest, OneNextHopLessIsNotAWithdrawal) {
    memory_.on_route(route(kD, {kB, kC}), 1s);
    memory_.on_route(gone(kD, {kB}), 5s);
    memory_.on_interface(3, false, 6s);
    EXPECT_THAT(memory_.stale(), UnorderedElementsAre(Pair(kD, kC)));
}

TEST_F(StaleRoutesTest, CountsRoutesBeyondTheLimit) {
    StaleRoutes small(1);
    small.on_route(route(kD, {kB}), 1s);
    small.on_route(route(kFour, {kB}), 1s);
    EXPECT_EQ(small.size(), 1U);
    EXPECT_EQ(small.forgotten(), 1U);
}

}  // namespace
}  // namespace sidestep
