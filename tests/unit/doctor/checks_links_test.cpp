// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Breaks one thing after the other at the links of a node where all is well, and reads what the checks say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Doctor, InterfacesThatCannotCarryProbes) {
    auto node = good_case();
    node.machine.interfaces.erase("to-B");
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("does not exist here: its sessions are down, and"));
    node = good_case();
    node.machine.interfaces.erase("to-S");
    EXPECT_EQ(only(check_interfaces(node)).text, "does not exist here: no traffic enters by it")
        << "it has no sessions";
    node = good_case();
    node.machine.interfaces["to-B"].up = false;
    EXPECT_EQ(only(check_interfaces(node)).command, "ip link set dev to-B up");
    node = good_case();
    node.machine.interfaces["to-B"].carrier = false;
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("no carrier"));
    node = good_case();
    node.machine.sysctls["net.ipv6.conf.to-B.disable_ipv6"] = "1";
    EXPECT_THAT(only(check_interfaces(node)).command, HasSubstr("disable_ipv6=0"));
}

TEST(Doctor, AnInterfaceTooSmallForIpv6) {
    auto node = good_case();
    auto& seen = node.machine.interfaces["to-C"];
    seen.mtu = 1200;
    seen.addresses.clear();  // as the kernel does
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "up"), seen_session("A-C", "down")}}};
    node.daemon.status["problems"] = {{{"about", "session A-C"}, {"problem", "no probe could be sent"}}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.subject, "interface to-C");
    EXPECT_THAT(finding.text, HasSubstr("has an MTU of 1200: below 1280 the kernel has no IPv6 there"));
}

TEST(Doctor, AnInterfaceThatIsAPortOfABridge) {
    auto node = good_case();
    node.machine.interfaces["br0"] = {.name = "br0", .up = true, .carrier = true, .kind = "bridge", .mtu = 1500};
    node.machine.interfaces["to-B"].master = "br0";
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("is a port of the bridge br0"));
    node.machine.interfaces["br0"].kind = "vrf";
    EXPECT_THAT(check_interfaces(node), IsEmpty()) << "probes leave and arrive by the interface itself";
}

TEST(Doctor, AnEntranceThatIsNotListed) {
    auto node = good_case();
    node.config->ingress.clear();
    const auto finding = only(check_ingress(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.subject, "interface to-S");
    EXPECT_EQ(finding.command, "in the configuration: ingress: [to-S]");
    node.config->ingress = {"to-T"};
    EXPECT_EQ(only(check_ingress(node)).severity, Severity::note) << "it may be left out on purpose";
    node.config->policies[0].steering = Steering::device;
    EXPECT_THAT(check_ingress(node), IsEmpty()) << "its packets are found by routes";
}

TEST(Doctor, ADuplicateAddress) {
    auto node = good_case();
    node.machine.interfaces["to-B"].addresses[0].tentative = true;
    EXPECT_THAT(only(check_return_addresses(node)).text, HasSubstr("(tentative)"));
    node.machine.interfaces["to-B"].addresses[0].duplicate = true;
    EXPECT_THAT(only(check_return_addresses(node)).text,
                HasSubstr("fd00:ab::a cannot be used: another node on to-B has it, too (dadfailed)"));
}

TEST(Doctor, AReturnAddressThatIsNotOurs) {
    auto node = good_case();
    node.config->adjacencies[0].probe.return_address = addr("fd00:ab::b");
    const auto finding = only(check_return_addresses(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.subject, "session A-B");
    EXPECT_THAT(finding.text, HasSubstr("return-address fd00:ab::b is no address of this node"));
}

TEST(Doctor, SwappedReturnAddresses) {
    auto node = good_case();
    std::swap(node.config->adjacencies[0].probe.return_address, node.config->adjacencies[1].probe.return_address);
    const auto findings = check_return_addresses(node);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_THAT(findings[0].text, HasSubstr("fd00:ac::a is on to-C, not on to-B"));
    EXPECT_THAT(findings[0].text, HasSubstr("swapped?"));
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 4000, 0), seen_session("A-C", "init", 4000, 0)}}};
    EXPECT_THAT(check_answers(node), testing::IsEmpty()) << "the cause is known";
}

/// Nothing has come back by A-B yet.
Case silent_case() {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 0, 0), seen_session("A-C", "up")}}};
    return node;
}

TEST(Doctor, ANeighborThatTheKernelForgotWhileTheSessionIsUp) {
    auto node = good_case();
    node.machine.neighbors.clear();
    EXPECT_THAT(check_neighbors(node), IsEmpty());
}

TEST(Doctor, AnswersThatComeByAnotherLink) {
    auto node = silent_case();
    EXPECT_THAT(only(check_answers(node)).text, HasSubstr("fe80::b does not forward, has no route to fd00:ab::a"));
    node.daemon.status["rejected_probes"] = {{"wrong-interface", 12}};
    EXPECT_THAT(only(check_answers(node)).text,
                HasSubstr("12 probes of this node came back by other interfaces than their own: fe80::b has a route to "
                          "fd00:ab::a over another link"));
}

TEST(Doctor, ANeighborThatNobodyIs) {
    auto node = silent_case();
    node.machine.neighbors[0].state = "FAILED";
    const auto finding = only(check_neighbors(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_THAT(finding.text, HasSubstr("nobody behind to-B answers for its neighbor fe80::b"));
    EXPECT_EQ(finding.command, "ping -c 3 fe80::b%to-B");
}

TEST(Doctor, ANeighborBehindAnotherInterface) {
    auto node = silent_case();
    node.config->adjacencies[0].neighbor = addr("fd00:ac::c");
    node.machine.neighbors.push_back({.interface = "to-C", .address = addr("fd00:ac::c"), .state = "REACHABLE"});
    EXPECT_THAT(only(check_neighbors(node)).text, HasSubstr("is behind to-C, not behind to-B"));
}

TEST(Doctor, ANeighborThatIsThisNode) {
    auto node = silent_case();
    node.config->adjacencies[0].neighbor = addr("fd00:ab::a");
    EXPECT_THAT(only(check_neighbors(node)).text, HasSubstr("this node's own address"));
}

TEST(Doctor, ANeighborThatDoesNotForward) {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 4000, 0), seen_session("A-C", "up")}}};
    const auto finding = only(examine(node));
    EXPECT_THAT(finding.text, HasSubstr("none of 4000 probes came back by to-B: fe80::b does not forward"));
    EXPECT_THAT(finding.command, HasSubstr("net.ipv6.conf.all.forwarding=1"));
    EXPECT_EQ(exit_code_of({finding}), 2);
}

TEST(Doctor, ALinkThatWorkedAndFailed) {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "down", 4000, 854), seen_session("A-C", "up")}}};
    node.daemon.sessions["sessions"][0]["last_answer_age_us"] = 2.5e6;
    EXPECT_THAT(only(examine(node)).text, HasSubstr("854 of 4000 probes came back by to-B, and none for 2.5 s"));
}

}  // namespace
}  // namespace sidestep
