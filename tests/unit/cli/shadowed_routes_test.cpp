// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which of the kernel's routes a policy is said to take packets from.
#include "cli/shadowed_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::ElementsAre;

Prefix prefix(std::string_view text) {
    return *Prefix::parse(text);
}

PolicyConfig policy(const std::string& name, std::string_view destination, bool over_routes) {
    SegmentListConfig list;
    list.adjacency = "A-B";
    PolicyConfig result;
    result.name = name;
    result.prefixes = {prefix(destination)};
    result.candidates = {{.lists = {list}}};
    result.over_routes = over_routes;
    return result;
}

TEST(ShadowedRoutes, AreReadFromTheKernelsTables) {
    EXPECT_THAT(routes_in("20010db8000c00000000000000000000 30 00000000000000000000000000000000 00 "
                          "fe80000000000000000000000000000c 00000014 00000001 00000000 00000003     to-C\n"
                          "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
                          "00000000000000000000000000000000 00000100 00000001 00000000 00000001     to-C\n"
                          "nonsense\n",
                          false),
                ElementsAre(prefix("2001:db8:c::/48")));
    EXPECT_THAT(routes_in("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                          "to-C\t0000030A\t0302000A\t0003\t0\t0\t20\t0000FFFF\t0\t0\t0\n"
                          "to-B\t00000000\t0201000A\t0003\t0\t0\t20\t00000000\t0\t0\t0\n",
                          true),
                ElementsAre(prefix("0.0.0.0/0"), prefix("10.3.0.0/16")));
}

TEST(ShadowedRoutes, AreThoseOfPoliciesThatDoNotYield) {
    Config config;
    config.policies = {policy("all", "::/0", true), policy("some", "2001:db8::/32", false)};
    const std::vector<Prefix> routes{prefix("::/0"), prefix("2001:db8::/32"), prefix("2001:db8:c::/48"),
                                     prefix("2001:db9::/32"), prefix("10.3.0.0/16")};
    EXPECT_EQ(describe_shadowed(config, routes),
              "policy all also takes the packets of 1 more specific routes of this machine: 2001:db9::/32\n");
    config.policies.front().over_routes = false;
    EXPECT_EQ(describe_shadowed(config, routes), "");
}

}  // namespace
}  // namespace sidestep
