// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same with the machine: kernel, forwarding, other programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Doctor, ThisNodeDoesNotForward) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.conf.all.forwarding"] = "0";
    EXPECT_EQ(only(examine(node)).command, "sysctl -w net.ipv6.conf.all.forwarding=1");
}

TEST(Doctor, AHostNeedsNotForward) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.conf.all.forwarding"] = "0";
    node.config->ingress.clear();
    node.config->policies[0].steering = Steering::device;
    EXPECT_EQ(only(check_forwarding(node)).severity, Severity::note);
    node.config->sids.emplace_back();
    EXPECT_EQ(only(check_forwarding(node)).severity, Severity::error);
}

TEST(Doctor, AnotherProgramAtOurHook) {
    auto node = good_case();
    node.machine.interfaces["to-B"].xdp = "xdp_firewall";
    node.machine.interfaces["to-S"].filters = {"limiter pref 10"};
    const auto findings = check_other_programs(node);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_THAT(findings[0].text, HasSubstr("xdp_firewall"));
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_THAT(findings[1].text, HasSubstr("limiter pref 10"));
}

TEST(Doctor, ANeighborTableThatOverflows) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.neigh.default.gc_thresh3"] = "2";
    const auto finding = only(check_neighbor_table(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_THAT(finding.command, HasSubstr("gc_thresh3=8192"));
    node.config->adjacencies.resize(800, node.config->adjacencies[0]);
    node.machine.sysctls["net.ipv6.neigh.default.gc_thresh3"] = "1024";
    EXPECT_EQ(only(check_neighbor_table(node)).severity, Severity::warning);
}

TEST(Doctor, AStrictReversePathFilter) {
    auto node = good_case();
    node.machine.sysctls["net.ipv4.conf.to-S.rp_filter"] = "1";
    EXPECT_THAT(examine(node), IsEmpty()) << "no IPv4 is steered";
    node.config->policies[0].steering = Steering::device;
    node.config->policies[0].prefixes.push_back(*Prefix::parse("198.51.100.0/24"));
    EXPECT_EQ(only(examine(node)).command, "sysctl -w net.ipv4.conf.to-S.rp_filter=2");
}

TEST(Doctor, AKernelThatIsTooOld) {
    auto node = good_case();
    node.machine.kernel = "5.15.0";
    EXPECT_THAT(only(examine(node)).text, HasSubstr("6.1 or later"));
    node = good_case();
    node.machine.sysctls.erase("net.ipv6.conf.all.seg6_enabled");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("no SRv6"));
}

TEST(Doctor, AProcessClockThatNobodyAskedFor) {
    auto node = good_case();
    node.daemon.status["clock"]["kind"] = "process";
    EXPECT_THAT(only(examine(node)).command, HasSubstr("sch_tbf"));
    node.config->clock = ClockKind::process;
    EXPECT_THAT(examine(node), IsEmpty());
}

TEST(Doctor, ChainsThatRepairsPassBy) {
    auto node = good_case();
    node.daemon.status["problems"] = {{{"about", "netfilter"}, {"problem", "passed by"}},
                                      {{"about", "to-B"}, {"problem", "of no concern here"}}};
    const auto finding = only(check_passed_by(node));
    EXPECT_EQ(finding.text, "passed by");
    EXPECT_EQ(finding.command, "nft list ruleset");
}

}  // namespace
}  // namespace sidestep
