// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same with what packets and copies of policies need of routes, SIDs and sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Doctor, AForeignSourceAddress) {
    auto node = good_case();
    node.config->source = addr("fd00:b::1");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("source-address fd00:b::1 is no address of this node"));
}

TEST(Doctor, APlainCandidateThatIsNotTheRoute) {
    auto node = good_case();
    node.machine.lookups["2001:db8:d::"].interface = "to-C";
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text, HasSubstr("2001:db8:d::/64 is routed by to-C, but its plain candidate names A-B"));
    node.machine.lookups.clear();
    EXPECT_THAT(only(examine(node)).text, HasSubstr("there is no route to 2001:db8:d::/64"));
    node.machine.routes = {{.prefix = *Prefix::parse("2001:db8:d:1::/80"), .interface = "to-B"}};
    EXPECT_THAT(only(examine(node)).text, HasSubstr("there is no route"));
    node.config->policies[0].prefixes = {*Prefix::parse("::/0")};
    EXPECT_THAT(examine(node), IsEmpty()) << "what is inside has routes";
    node.config->policies[0].prefixes = {*Prefix::parse("2001:db8:d::/64")};
    node.machine.interfaces["to-B"].up = false;
    EXPECT_THAT(check_plain_candidates(node), IsEmpty()) << "with the link its route is gone, too";
}

TEST(Doctor, AShadowedSid) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/128");
    node.config->sids = {sid};
    auto& route = node.machine.lookups["fd00:a::"];
    route = {.prefix = sid.sid, .interface = "sr0", .protocol = "kernel", .encap = "seg6local", .action = "End"};
    EXPECT_THAT(examine(node), IsEmpty());
    route = {.prefix = *Prefix::parse("fd00:a::/48"), .interface = "lo", .protocol = "kernel"};
    EXPECT_THAT(only(examine(node)).text, HasSubstr("shadowed by the route fd00:a::/48 dev lo proto kernel"));
    node.machine.lookups.erase("fd00:a::");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("no route in the kernel"));
    node.config->sids[0].install = false;
    EXPECT_THAT(examine(node), IsEmpty()) << "somebody else owns it";
}

TEST(Doctor, ARouteThatTheDaemonFoundUnused) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/48");
    node.config->sids = {sid};
    node.machine.lookups["fd00:a::"] = {.prefix = *Prefix::parse("fd00:a::/128"), .interface = "lo", .type = "anycast"};
    node.daemon.status["problems"] = {{{"about", "route to fd00:a::/48"}, {"problem", "is not used: packets to ..."}}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.subject, "route to fd00:a::/48");
    EXPECT_EQ(finding.text, "is not used: packets to ...");
    EXPECT_EQ(finding.command, "ip -6 route get fibmatch fd00:a:0:ffff:ffff:ffff:ffff:ffff");
}

TEST(Doctor, ASidThatIsAnAnycastAddressIsNamedBeforeTheStart) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/48");
    node.config->sids = {sid};
    node.daemon = {};
    EXPECT_THAT(check_sid_addresses(node), IsEmpty());
    node.machine.interfaces["lo"].addresses.push_back({.address = addr("fd00:a:0:ffff::1"), .length = 48});
    const auto finding = only(check_sid_addresses(node));
    EXPECT_THAT(finding.text, HasSubstr("fd00:a:: is the subnet-router anycast address of fd00:a:0:ffff::1/48 on lo"));
    EXPECT_THAT(finding.command, HasSubstr("&& ip -6 address add fd00:a:0:ffff::1/128 dev lo"));
}

TEST(Doctor, ABackupThatIsTooNarrow) {
    auto node = good_case();
    node.machine.interfaces["to-C"].mtu = 1500;
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("packets above 1420 bytes do not fit into to-C (MTU 1500)"));
    node.machine.interfaces["to-C"].mtu = 1300;
    EXPECT_EQ(only(check_mtu(node)).severity, Severity::warning) << "IPv6's least MTU does not fit";
}

TEST(Doctor, ComputedRepairsHaveRoomForLess) {
    auto node = good_case();
    nlohmann::json list{{"adjacency", "A-C"}, {"segments", {"fd00:c::"}}, {"largest_packet", 1420}};
    const auto computed = [&] {
        node.daemon.policies = {{"policies", nlohmann::json::array()}};
        node.daemon.policies["policies"].push_back(
            {{"computed", true}, {"candidates", nlohmann::json::array({{{"lists", nlohmann::json::array({list})}}})}});
        return check_computed_mtu(node);
    };
    const auto finding = only(computed());
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("take packets of 1420 bytes at most, and 1500 may come in"));
    list["largest_packet"] = 1220;
    EXPECT_EQ(only(computed()).severity, Severity::warning);
    list["largest_packet"] = 1500;
    EXPECT_THAT(computed(), IsEmpty());
}

TEST(Doctor, ACopyThatDoesNotFit) {
    auto node = good_case();
    auto& policy = node.config->policies[0];
    policy.flow = 7;
    auto list = policy.candidates[1].lists[0];  // by A-C, with sessions
    policy.candidates = {{.lists = {list, list}}};
    policy.candidates[0].lists[0].adjacency = "A-B";
    node.machine.interfaces["to-B"].mtu = 1500;
    node.machine.interfaces["to-C"].mtu = 1400;
    const auto finding = only(check_mtu(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.subject, "policy to-D");
    EXPECT_EQ(
        finding.text,
        "its packets above 1320 bytes are always dropped, and their senders told, because a copy has to fit by every "
        "list: to-B (MTU 1500) takes 1420, to-C (MTU 1400) takes 1320; links behind them count too");
    EXPECT_EQ(finding.command, "ip link set dev to-B mtu 1580 && ip link set dev to-C mtu 1580");
    node.machine.interfaces["to-B"].mtu = 1580;
    EXPECT_EQ(only(check_mtu(node)).command, "ip link set dev to-C mtu 1580");
    node.machine.interfaces["to-C"].mtu = 1580;
    EXPECT_THAT(check_mtu(node), IsEmpty());
    policy.candidates[0].lists[1].mtu = policy.candidates[0].lists[0].mtu = 1500;
    EXPECT_THAT(only(check_mtu(node)).text, HasSubstr("to-C (MTU 1500) takes 1420"));
}

TEST(Doctor, CopiesThatAllAreDropped) {
    auto node = good_case();
    node.daemon.status["problems"] = {{{"about", "flow 8"}, {"problem", "its copies come to ..."}},
                                      {{"about", "merging SID fd00:d:0:7::/64"}, {"problem", "packets that ..."}}};
    const auto findings = examine(node);
    ASSERT_EQ(findings.size(), 2U) << to_text(findings);
    EXPECT_EQ(findings[0].severity, Severity::error);
    EXPECT_EQ(findings[0].subject, "flow 8");
    EXPECT_EQ(findings[0].text, "its copies come to ...");
    EXPECT_EQ(findings[1].subject, "merging SID fd00:d:0:7::/64");
}

TEST(Doctor, ACopyThatIsBelieved) {
    auto node = good_case();
    node.config->policies[0].flow = 7;
    node.config->policies[0].candidates[1].lists[0].sessions.clear();
    EXPECT_THAT(only(check_backups(node)).text, HasSubstr("its copy over A-C is believed"));
}

}  // namespace
}  // namespace sidestep
