// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the reading of SIDs and the SR domain, and the exact complaint about each bad one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;

/// SIDs begin on line 13.
std::string sids(const std::string& list) {
    return "device: sr0\nsr-domain: ['fd00::/16']\nsids:\n" + list;
}

TEST(ConfigSids, HaveDefaults) {
    Parts parts;
    parts.more = sids(
        "- {sid: 'fd00:a::', behavior: end}\n"
        "- {sid: 'fd00:a:b::', behavior: end.x, adjacency: A-B}\n"
        "- {sid: 'fd00:a:6::/128', behavior: end.dt6}\n");
    const auto config = read_good(parts.text());
    EXPECT_THAT(config.domain, ElementsAre(Prefix::parse("fd00::/16")));
    ASSERT_EQ(config.sids.size(), 3U);
    const auto& end = config.sids[0];
    EXPECT_EQ(end.sid, Prefix::parse("fd00:a::"));
    EXPECT_EQ(end.behavior, SidBehavior::end);
    EXPECT_FALSE(end.psp);
    EXPECT_FALSE(end.next_csid);
    EXPECT_TRUE(end.install);
    EXPECT_EQ(config.sids[1].behavior, SidBehavior::end_x);
    EXPECT_EQ(config.sids[1].adjacency, "A-B");
    EXPECT_TRUE(config.sids[1].install);
    EXPECT_EQ(config.sids[2].behavior, SidBehavior::end_dt6);
    EXPECT_FALSE(config.sids[2].install);  // decapsulation has no route
}

TEST(ConfigSids, HaveFlavors) {
    Parts parts;
    parts.more = sids(
        "- {sid: 'fd00:a::', behavior: end, flavors: [psp, next-csid, usp, usd], install: false}\n"
        "- {sid: 'fcbb:bb00:1:e000::', behavior: end.x, adjacency: A-C, flavors: [next-csid], function-bits: 32}\n"
        "- {sid: 'fc00:1:2:3:4:5:6:700/120', behavior: end, flavors: [next-csid], block-bits: 96, function-bits: 24}\n"
        "- {sid: 'fd00:a:1::', behavior: end, flavors: [psp]}\n");
    const auto config = read_good(parts.text());
    ASSERT_EQ(config.sids.size(), 4U);
    EXPECT_EQ(config.sids[0].sid, Prefix::parse("fd00:a::/48"));
    EXPECT_TRUE(config.sids[0].psp);
    EXPECT_TRUE(config.sids[0].next_csid);
    EXPECT_TRUE(config.sids[0].usp);
    EXPECT_TRUE(config.sids[0].usd);
    EXPECT_FALSE(config.sids[1].usp);
    EXPECT_FALSE(config.sids[1].usd);
    EXPECT_EQ(config.sids[0].block_bits, 32U);
    EXPECT_EQ(config.sids[0].function_bits, 16U);
    EXPECT_FALSE(config.sids[0].install);
    EXPECT_EQ(config.sids[1].sid, Prefix::parse("fcbb:bb00:1:e000::/64"));
    EXPECT_FALSE(config.sids[1].psp);
    EXPECT_EQ(config.sids[2].sid, Prefix::parse("fc00:1:2:3:4:5:6:700/120"));
    EXPECT_TRUE(config.sids[3].psp);
    EXPECT_FALSE(config.sids[3].next_csid);
}

TEST(ConfigSids, AnAddressIsCutToItsBits) {
    Parts parts;
    parts.more = sids("- {sid: 'fd00:a:7:1::1', behavior: end, flavors: [next-csid]}");
    EXPECT_EQ(read_good(parts.text()).sids.at(0).sid, Prefix::parse("fd00:a:7::/48"));
}

TEST(ConfigSids, NeedNoDeviceWithoutRoutes) {
    Parts parts;
    parts.more =
        "sr-domain: ['::/0']\n"
        "sids: [{sid: 'fd00:a::', behavior: end, install: false}, {sid: 'fd00:a:4::', behavior: end.dt4},\n"
        "       {sid: 'fd00:a:46::', behavior: end.dt46, install: false}]\n";
    EXPECT_EQ(read_good(parts.text()).sids.size(), 3U);
}

class BadSid : public testing::TestWithParam<BadCase> {};

TEST_P(BadSid, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_sids() {
    return {
        {"NoFields",
         [](Parts& p) { p.more = sids("- {}\n- {behavior: end}\n- {sid: 'fd00:a::', behavior: end.x}"); },
         {"f:13:3: sids[0].behavior: missing", "f:14:3: sids[1].sid: missing", "f:15:3: sids[2].adjacency: missing"}},
        {"UnknownKey",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end, table: 254}"); },
         {"f:13:36: sids[0].table: unknown key; known: sid, behavior, flavors, block-bits, function-bits, adjacency, "
          "install, flows, window, reset"}},
        {"UnknownBehavior",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end.t}"); },
         {"f:13:31: sids[0].behavior: must be one of: end, end.x, end.dt4, end.dt6, end.dt46"}},
        {"NoAddress",
         [](Parts& p) {
             p.more = sids(
                 "- {sid: 192.0.2.1, behavior: end}\n- {sid: 'fe80::1', behavior: end}\n"
                 "- {sid: 'ff02::1', behavior: end}\n- {sid: '::', behavior: end}\n"
                 "- {sid: '::1', behavior: end}");
         },
         {"f:13:9: sids[0].sid: must be an IPv6 address",
          "f:14:9: sids[1].sid: must not be a link-local address: routers do not forward to it",
          "f:15:9: sids[2].sid: must not be a multicast address",
          "f:16:9: sids[3].sid: must not be the unspecified address",
          "f:17:9: sids[4].sid: must not be the loopback address"}},
        {"ReturnAddress",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:ab::1', behavior: end}"); },
         {"f:13:9: sids[0].sid: contains fd00:ab::1, the return-address of 'A-B'"}},
        {"PrefixWithoutNextCsid",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::/48', behavior: end, flavors: [psp]}"); },
         {"f:13:9: sids[0].sid: must be an address; only the flavor next-csid allows a prefix"}},
        {"PrefixOfAnotherLength",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::/64', behavior: end, flavors: [next-csid]}"); },
         {"f:13:9: sids[0].sid: must have length 48, which is block-bits plus function-bits"}},
        {"NoLocator",
         [](Parts& p) {
             p.more = sids(
                 "- {sid: 'fe80::/48', behavior: end, flavors: [next-csid]}\n"
                 "- {sid: 10.0.0.0/8, behavior: end, flavors: [next-csid]}\n"
                 "- {sid: 'fd00::1/48', behavior: end, flavors: [next-csid]}");
         },
         {"f:13:9: sids[0].sid: must not be a link-local prefix", "f:14:9: sids[1].sid: must be an IPv6 prefix",
          "f:15:9: sids[2].sid: must be a prefix without host bits, such as 2001:db8::/48 or 192.0.2.0/24; fd00::1 is "
          "in "
          "\"fd00::/48\""}},
        {"UnknownFlavor",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end, flavors: [pop, psp, psp]}"); },
         {"f:13:46: sids[0].flavors[0]: must be one of: psp, usp, usd, next-csid",
          "f:13:56: sids[0].flavors[2]: 'psp' is already given on line 13"}},
        {"UsdOfEndX",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end.x, adjacency: A-B, flavors: [usd]}"); },
         {"f:13:64: sids[0].flavors[0]: is for end: an inner packet cannot be pinned to the adjacency of end.x"}},
        {"FlavorsOfDecapsulation",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end.dt46, flavors: [psp]}"); },
         {"f:13:50: sids[0].flavors: are for end and end.x, not for end.dt46"}},
        {"BitsWithoutNextCsid",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end, block-bits: 32, function-bits: 16}"); },
         {"f:13:48: sids[0].block-bits: is for the flavor next-csid",
          "f:13:67: sids[0].function-bits: is for the flavor next-csid"}},
        {"BitsOutOfRange",
         [](Parts& p) {
             p.more = sids(
                 "- {sid: 'fd00:a::', behavior: end, flavors: [next-csid], block-bits: 97, function-bits: 7}\n"
                 "- {sid: 'fd00:b::', behavior: end, flavors: [next-csid], function-bits: 20}");
         },
         {"f:13:70: sids[0].block-bits: must be a whole number from 8 to 96 bits",
          "f:13:89: sids[0].function-bits: must be a whole number from 8 to 64 bits",
          "f:14:73: sids[1].function-bits: must be a multiple of 8"}},
        {"BitsTooManyTogether",
         [](Parts& p) {
             p.more =
                 sids("- {sid: 'fd00:a::/48', behavior: end, flavors: [next-csid], block-bits: 96, function-bits: 32}");
         },
         {"f:13:92: sids[0].function-bits: block-bits plus function-bits is 128; at most 120, because the rest is the "
          "argument"}},
        {"AdjacencyOfEnd",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end, adjacency: A-B}"); },
         {"f:13:47: sids[0].adjacency: is for end.x, not for end"}},
        {"UnknownAdjacency",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end.x, adjacency: A-X}"); },
         {"f:13:49: sids[0].adjacency: no adjacency 'A-X'; known: A-B, A-C"}},
        {"SidTwice",
         [](Parts& p) {
             p.more = sids(
                 "- {sid: 'fd00:a::', behavior: end, flavors: [next-csid]}\n"
                 "- {sid: 'fd00:a:0:1::', behavior: end, flavors: [next-csid]}");
         },
         {"f:14:9: sids[1].sid: 'fd00:a::/48' is already given on line 13"}},
        {"RouteOfDecapsulation",
         [](Parts& p) { p.more = sids("- {sid: 'fd00:a::', behavior: end.dt4, install: true}"); },
         {"f:13:49: sids[0].install: is for end and end.x; end.dt4 has no route"}},
        {"RouteWithoutDevice",
         [](Parts& p) {
             p.more = "sids: [{sid: 'fd00:a::', behavior: end}, {sid: 'fd00:b::', behavior: end, install: true}]";
         },
         {"f:10:8: sids[0]: its route needs the policy device; name one with `device`, or set install: "
          "false",
          "f:10:84: sids[1].install: its route needs the policy device; name one with `device`, or set "
          "install: "
          "false"}},
        {"DecapsulationWithoutDomain",
         [](Parts& p) { p.more = "sids: [{sid: 'fd00:a::', behavior: end.dt46}]"; },
         {"f:10:36: sids[0].behavior: end.dt46 needs `sr-domain`: without it, nobody may send to the SID"}},
        {"DecapsulationWithABadDomain",  // there is one, so that is all to complain of
         [](Parts& p) {
             p.more = "sids: [{sid: 'fd00:a::', behavior: end.dt46}]\nsr-domain: ['fd00::1/16']\ndevice: a/b";
         },
         {"f:12:9: device: 'a/b' cannot be the name of an interface",
          "f:11:13: sr-domain[0]: must be a prefix without host bits, such as 2001:db8::/48 or 192.0.2.0/24; fd00::1 "
          "is in "
          "\"fd00::/16\""}},
        {"EndWithABadDevice",
         [](Parts& p) { p.more = "sids: [{sid: 'fd00:a::', behavior: end}]\ndevice: a/b"; },
         {"f:11:9: device: 'a/b' cannot be the name of an interface"}},
        {"DomainOfIpv4",
         [](Parts& p) { p.more = "sr-domain: [10.0.0.0/8, 'fd00::/16', 'fd00::/16', 'fd00::1/16']"; },
         {"f:10:13: sr-domain[0]: must be an IPv6 prefix",
          "f:10:38: sr-domain[2]: 'fd00::/16' is already given on line 10",
          "f:10:51: sr-domain[3]: must be a prefix without host bits, such as 2001:db8::/48 or 192.0.2.0/24; fd00::1 "
          "is in "
          "\"fd00::/16\""}},
        {"DomainOfTooManyPrefixes",
         [](Parts& p) {
             std::string list = "'fd00::'";
             for (int i = 1; i < 17; ++i) list += ", 'fd00::" + std::to_string(i) + "'";
             p.more = "sr-domain: [" + list + "]";
         },
         {"f:10:12: sr-domain: must hold 0 to 16 entries, not 17"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Sids, BadSid, testing::ValuesIn(bad_sids()), name_of);

}  // namespace
}  // namespace sidestep
