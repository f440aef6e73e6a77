// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which destinations of IPsec policies are left to the kernel, and what is said of them.
#include "detector/core/ipsec_plan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Prefix range(std::string_view text) {
    return *Prefix::parse(text);
}

IpsecPolicy encrypts(std::string_view destination) {
    return {.source = range("::/0"), .destination = range(destination), .transforms = true};
}

TEST(IpsecPlan, TakesWhatTransformsOrBlocks) {
    auto allows = encrypts("2001:db8:1::/48");
    allows.transforms = false;
    auto blocks = allows;
    blocks.destination = range("2001:db8:2::/48");
    blocks.blocks = true;
    auto forwarded = encrypts("10.3.0.0/16");
    forwarded.forwarded = true;
    const auto plan = plan_ipsec({.all = {allows, blocks, forwarded}});
    EXPECT_THAT(plan.destinations, ElementsAre(range("10.3.0.0/16"), range("2001:db8:2::/48")));
    EXPECT_EQ(plan.selectors, "fwd ::/0 -> 10.3.0.0/16, out ::/0 -> 2001:db8:2::/48");
}

TEST(IpsecPlan, LeavesOutThoseOfIpsecInterfaces) {
    auto policy = encrypts("::/0");
    policy.interface = 7;
    const auto plan = plan_ipsec({.all = {policy}});
    EXPECT_THAT(plan.destinations, IsEmpty());
    EXPECT_EQ(ipsec_problem(plan, 0), "");
}

TEST(IpsecPlan, KeepsTheOutermostOfEachFamily) {
    const auto plan = plan_ipsec({.all = {encrypts("::/0"), encrypts("2001:db8::/32"), encrypts("10.0.0.0/8"),
                                          encrypts("10.1.0.0/16"), encrypts("11.0.0.0/8")}});
    EXPECT_THAT(plan.destinations, ElementsAre(range("::/0"), range("10.0.0.0/8"), range("11.0.0.0/8")));
}

TEST(IpsecPlan, TakesEverythingThatIsBlockedByDefault) {
    const auto plan = plan_ipsec({.all = {encrypts("2001:db8::/32")}, .blocks_forwarded = true});
    EXPECT_THAT(plan.destinations, ElementsAre(range("::/0"), range("0.0.0.0/0")));
    EXPECT_EQ(plan.selectors, "fwd: all else is blocked, out ::/0 -> 2001:db8::/32");
}

TEST(IpsecPlan, TakesEverythingIfThereAreTooMany) {
    IpsecPolicies policies;
    for (std::size_t i = 0; i <= kMostIpsecDestinations; ++i)
        policies.all.push_back(encrypts(fmt::format("2001:db8:{:x}::/48", i)));
    EXPECT_EQ(plan_ipsec(policies).destinations.size(), 2U);
    policies.all.pop_back();
    EXPECT_EQ(plan_ipsec(policies).destinations.size(), kMostIpsecDestinations);
}

TEST(IpsecPlan, NamesSomeSelectors) {
    IpsecPolicies policies;
    for (int i = 1; i <= 6; ++i) policies.all.push_back(encrypts(fmt::format("2001:db8:{:x}::/48", i)));
    const auto text = ipsec_problem(plan_ipsec(policies), 0);
    EXPECT_THAT(text, HasSubstr("out ::/0 -> 2001:db8:4::/48, and 2 more"));
    EXPECT_THAT(text, Not(HasSubstr("may be repaired in the clear")));
    EXPECT_THAT(ipsec_problem(plan_ipsec(policies), 2),
                HasSubstr("2 of 6 destinations of IPsec policies do not fit into the prefix table"));
}

}  // namespace
}  // namespace sidestep
