// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which routes inside a policy's prefix have their packets to themselves.
#include "detector/core/inner_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr int kUp = 7;         // the interface that the policies protect
constexpr int kElsewhere = 8;  // any other one
constexpr std::uint32_t kDefault = 1;
constexpr std::uint32_t kStubborn = 2;  // takes all in its prefix

Prefix prefix(std::string_view text) {
    return *Prefix::parse(text);
}

RouteChange route(std::string_view to, int ifindex, RouteKind kind = RouteKind::forwards, unsigned metric = 20) {
    RouteChange change{.prefix = prefix(to), .metric = metric, .hops = {}, .kind = kind};
    if (ifindex != 0) change.hops.push_back({.ifindex = ifindex, .gateway = {}});
    return change;
}

class Inner : public testing::Test {
  protected:
    std::map<Prefix, std::uint32_t> entries() const {
        return routes_.entries(
            set_, [](std::uint32_t slot) { return slot != kStubborn; },
            [](std::uint32_t, const RouteHop& hop) { return hop.ifindex == kUp; });
    }
    InnerRoutes routes_{100};
    PrefixSet set_{.policies = {{prefix("::/0"), kDefault}, {prefix("0.0.0.0/0"), kDefault}}, .unprotected = {}};
};

TEST_F(Inner, OnlyRoutesElsewhereAreLeftAlone) {
    routes_.on_route(route("::/0", kUp));
    routes_.on_route(route("2001:db8:d::/48", kUp));
    EXPECT_THAT(entries(), IsEmpty());
    routes_.on_route(route("2001:db8:5::/64", kElsewhere, RouteKind::connected));
    routes_.on_route(route("2001:db8:a::/64", kElsewhere, RouteKind::ends));
    routes_.on_route(route("2001:db8:bad::/48", 0, RouteKind::ends));
    routes_.on_route(route("2001:db8:c::/48", kElsewhere));
    routes_.on_route(route("10.3.0.0/16", kElsewhere));
    EXPECT_THAT(
        entries(),
        ElementsAre(Pair(prefix("10.3.0.0/16"), SS_POLICY_NONE), Pair(prefix("2001:db8:5::/64"), SS_POLICY_NONE),
                    Pair(prefix("2001:db8:a::/64"), SS_POLICY_NONE), Pair(prefix("2001:db8:c::/48"), SS_POLICY_NONE),
                    Pair(prefix("2001:db8:bad::/48"), SS_POLICY_NONE)));
}

TEST_F(Inner, APolicysOwnPrefixIsThePolicys) {
    set_.policies = {{prefix("2001:db8:d::/48"), kDefault}};
    routes_.on_route(route("2001:db8:d::/48", kElsewhere));
    routes_.on_route(route("2001:db8::/32", kElsewhere));
    routes_.on_route(route("2001:db8:e::/64", kElsewhere));
    EXPECT_THAT(entries(), IsEmpty());
    routes_.on_route(route("2001:db8:d:1::/64", kElsewhere));
    EXPECT_THAT(entries(), ElementsAre(Pair(prefix("2001:db8:d:1::/64"), SS_POLICY_NONE)));
}

// An aggregate that is blackholed here must not take the protection from what is routed inside it.
TEST_F(Inner, APolicysRouteInAnotherRouteStaysUnderThePolicy) {
    routes_.on_route(route("2001:db8::/32", 0, RouteKind::ends));
    routes_.on_route(route("2001:db8:c::/48", kElsewhere));
    routes_.on_route(route("2001:db8:d::/48", kUp));
    routes_.on_route(route("2001:db8:d:1::/64", kUp));
    routes_.on_route(route("2001:db8:d:2::/64", kElsewhere));
    EXPECT_THAT(entries(),
                ElementsAre(Pair(prefix("2001:db8::/32"), SS_POLICY_NONE), Pair(prefix("2001:db8:d::/48"), kDefault),
                            Pair(prefix("2001:db8:d:2::/64"), SS_POLICY_NONE)));
}

TEST_F(Inner, APolicyMayTakeAllThatIsInIt) {
    set_.policies[prefix("2001:db8::/32")] = kStubborn;
    set_.unprotected.insert(prefix("2001:db9::/32"));
    routes_.on_route(route("2001:db8:1::/48", kElsewhere));
    routes_.on_route(route("2001:db9:1::/48", kElsewhere));
    routes_.on_route(route("2001:dba:1::/48", kElsewhere));
    EXPECT_THAT(entries(), ElementsAre(Pair(prefix("2001:dba:1::/48"), SS_POLICY_NONE)));
}

TEST_F(Inner, APolicyOfOneFamilyIsNothingToTheOther) {
    set_.policies.erase(prefix("0.0.0.0/0"));
    routes_.on_route(route("10.3.0.0/16", kElsewhere));
    routes_.on_route(route("2001:db8:c::/48", kElsewhere));
    EXPECT_THAT(entries(), ElementsAre(Pair(prefix("2001:db8:c::/48"), SS_POLICY_NONE)));
}

TEST_F(Inner, OfSeveralRoutesToAPrefixThePreferredOneCounts) {
    routes_.on_route(route("2001:db8:c::/48", kElsewhere, RouteKind::forwards, 20));
    routes_.on_route(route("2001:db8:c::/48", kUp, RouteKind::forwards, 10));
    EXPECT_THAT(entries(), IsEmpty());
    auto gone = route("2001:db8:c::/48", kUp, RouteKind::forwards, 10);
    gone.gone = true;
    EXPECT_TRUE(routes_.on_route(gone));
    EXPECT_FALSE(routes_.on_route(gone));
    EXPECT_EQ(entries().size(), 1U);
}

TEST_F(Inner, RoutesGoWithTheirInterface) {
    routes_.on_route(route("10.3.0.0/16", kElsewhere));
    routes_.on_route(route("2001:db8:bad::/48", 0, RouteKind::ends));
    EXPECT_TRUE(routes_.on_interface_down(kElsewhere));
    EXPECT_FALSE(routes_.on_interface_down(kElsewhere));
    EXPECT_THAT(entries(), ElementsAre(Pair(prefix("2001:db8:bad::/48"), SS_POLICY_NONE)));
}

TEST_F(Inner, NoMoreAreKeptThanThereIsRoomFor) {
    for (int i = 0; i < 120; ++i) routes_.on_route(route("10.3." + std::to_string(i) + ".0/24", kElsewhere));
    EXPECT_EQ(routes_.size(), 100U);
    EXPECT_EQ(routes_.forgotten(), 20U);
}

TEST_F(Inner, WhatIsNotToldAgainIsGone) {
    routes_.on_route(route("2001:db8:1::/48", kElsewhere));
    routes_.on_route(route("2001:db8:2::/48", kElsewhere));
    routes_.doubt();
    routes_.on_route(route("2001:db8:2::/48", kElsewhere));
    EXPECT_TRUE(routes_.sweep());
    EXPECT_EQ(routes_.size(), 1U);
    routes_.doubt();
    routes_.on_route(route("2001:db8:2::/48", kElsewhere));
    EXPECT_FALSE(routes_.sweep());
}

}  // namespace
}  // namespace sidestep
