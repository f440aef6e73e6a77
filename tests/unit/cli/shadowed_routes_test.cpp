// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which of the kernel's routes a policy is said to take packets from.
#include "cli/shadowed_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

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
