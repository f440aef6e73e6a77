// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests when a route of ours counts as shadowed, and what is said then.
#include "detector/kernel/shadows.hpp"

#include <linux/rtnetlink.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/last_address.hpp"
#include "tests/unit/detector/kernel/parsed.hpp"

namespace sidestep {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

FibAnswer route(const char* to, std::uint32_t metric, std::uint32_t table = RT_TABLE_MAIN) {
    FibAnswer answer;
    answer.interface = "lo";
    answer.table = table;
    answer.protocol = RTPROT_KERNEL;
    answer.prefix = prefix(to);
    answer.metric = metric;
    return answer;
}

FibAnswer our_own(const char* to) {
    auto answer = route(to, kSidMetric);
    answer.ours = true;
    return answer;
}

const SidRoute kLocator{.sid = prefix("fd00:a::/48"), .next_csid = true, .ifindex = 9};
const SidRoute kEnd{.sid = prefix("fd00:a:0:e000::"), .ifindex = 9};
const DeviceRoute kSteered{.prefix = prefix("2001:db8:d::/48"), .ifindex = 9, .metric = 5};

TEST(Shadows, AsksForWhatPacketsGoTo) {
    EXPECT_THAT(asked_for(kEnd), ElementsAre(address("fd00:a:0:e000::")));
    EXPECT_THAT(asked_for(kLocator), ElementsAre(address("fd00:a:0:ffff:ffff:ffff:ffff:ffff"), address("fd00:a::")));
    EXPECT_THAT(asked_for(kSteered), ElementsAre(address("2001:db8:d:ffff:ffff:ffff:ffff:ffff")));
    EXPECT_THAT(asked_for(DeviceRoute{.prefix = prefix("10.0.0.0/8")}), ElementsAre(address("10.255.255.255")));
}

// Broadcasts and groups have routes of another kind.
TEST(Shadows, AsksForHostsOnly) {
    EXPECT_THAT(asked_for(DeviceRoute{.prefix = prefix("0.0.0.0/0")}), ElementsAre(address("223.255.255.255")));
    EXPECT_THAT(asked_for(DeviceRoute{.prefix = prefix("::/0")}),
                ElementsAre(address("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
    EXPECT_THAT(asked_for(DeviceRoute{.prefix = prefix("ff00::/8")}), IsEmpty());
    EXPECT_THAT(asked_for(DeviceRoute{.prefix = prefix("224.0.0.0/4")}), IsEmpty());
}

TEST(Shadows, OurRouteIsNone) {
    EXPECT_EQ(shadow(kEnd, kEnd.sid.address, our_own("fd00:a:0:e000::")), "");
    EXPECT_EQ(shadow(kLocator, last_address(kLocator.sid), our_own("fd00:a::/48")), "");
    EXPECT_EQ(shadow(kSteered, last_address(kSteered.prefix), our_own("2001:db8:d::/48")), "");
}

TEST(Shadows, MoreSpecificRoutesKeepTheirPackets) {
    EXPECT_EQ(shadow(kSteered, last_address(kSteered.prefix), route("2001:db8:d:ffff::/64", 256)), "");
    EXPECT_EQ(shadow(kLocator, last_address(kLocator.sid), route("fd00:a:0:ffff::/64", 256)), "");
    auto sid = route("fd00:a::", 1024);
    sid.is_sid = true;
    EXPECT_EQ(shadow(kLocator, kLocator.sid.address, sid), "");
}

TEST(Shadows, ABetterMetricIsNamed) {
    EXPECT_EQ(
        shadow(kLocator, last_address(kLocator.sid), route("fd00:a::/48", 1)),
        "is not used: packets to fd00:a:0:ffff:ffff:ffff:ffff:ffff take the route fd00:a::/48 dev lo proto kernel "
        "metric 1: its metric is better");
}

TEST(Shadows, TheAnycastAddressOfASubnetIsNamed) {
    auto anycast = route("fd00:a::", 0, RT_TABLE_LOCAL);
    anycast.type = "anycast";
    EXPECT_THAT(shadow(kLocator, kLocator.sid.address, anycast),
                AllOf(HasSubstr("packets to fd00:a:: take the route anycast fd00:a::/128 dev lo"),
                      HasSubstr("table local"), HasSubstr("subnet-router anycast address"), HasSubstr("length 128")));
}

TEST(Shadows, RulesAddressesAndNothingAtAllAreNamed) {
    EXPECT_THAT(shadow(kSteered, last_address(kSteered.prefix), route("::/0", 1024, 100)),
                AllOf(HasSubstr("::/0 dev lo"), HasSubstr("table 100"), HasSubstr("ip -6 rule")));
    auto local = route("fd00:a:0:e000::", 0, RT_TABLE_LOCAL);
    local.type = "local";
    EXPECT_THAT(shadow(kEnd, kEnd.sid.address, local), HasSubstr("an address of this node"));
    EXPECT_THAT(shadow(kEnd, kEnd.sid.address, std::nullopt), HasSubstr("have no route"));
}

}  // namespace
}  // namespace sidestep
