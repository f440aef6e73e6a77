// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The checks of links whose neighbors are known by IPv4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;

Case case_with_v4() {
    auto node = good_case();
    node.config->source_v4 = addr("192.0.2.1");
    node.config->adjacencies[0] = link_to("A-B", "to-B", "10.0.1.2", "10.0.1.1");
    auto& interface = node.machine.interfaces["to-B"];
    interface.addresses = {{.address = addr("10.0.1.1"), .length = 120}};
    node.machine.neighbors[0].address = addr("10.0.1.2");
    node.machine.sysctls["net.ipv4.ip_forward"] = "1";
    node.machine.sysctls["net.ipv6.conf.to-B.disable_ipv6"] = "1";
    node.config->policies.clear();
    return node;
}

TEST(Doctor, ALinkWithANeighborByIpv4NeedsNoIpv6) {
    auto node = case_with_v4();
    EXPECT_THAT(check_interfaces(node), testing::IsEmpty());
    EXPECT_THAT(check_neighbors(node), testing::IsEmpty());
    EXPECT_THAT(check_return_addresses(node), testing::IsEmpty());
    node.machine.interfaces["to-B"].mtu = 1000;
    EXPECT_THAT(check_interfaces(node), testing::IsEmpty());
    node.machine.sysctls["net.ipv6.conf.to-C.disable_ipv6"] = "1";
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("has IPv6 turned off"));
}

TEST(Doctor, NeighborsByIpv4AreForwardedByIpv4) {
    auto node = case_with_v4();
    node.machine.sysctls["net.ipv4.ip_forward"] = "0";
    EXPECT_EQ(only(check_forwarding(node)).command, "sysctl -w net.ipv4.ip_forward=1");
    node.machine.sysctls["net.ipv6.conf.all.forwarding"] = "0";
    EXPECT_EQ(check_forwarding(node).size(), 2U);
    node.config->adjacencies.pop_back();
    EXPECT_EQ(check_forwarding(node).size(), 1U) << "no neighbor by IPv6 is left";
}

TEST(Doctor, ProbesByIpv4ThatDoNotComeBack) {
    auto node = case_with_v4();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 500, 0), seen_session("A-C", "up")}}};
    const auto finding = only(check_answers(node));
    EXPECT_THAT(finding.text, HasSubstr("has none to 192.0.2.1 over this link and a strict reverse path filter, or"));
    EXPECT_THAT(finding.command,
                HasSubstr("sysctl -w net.ipv4.ip_forward=1; ip route get 10.0.1.1; ip route get 192.0"));
}

TEST(Doctor, ASourceInTheSubnetOfTheLink) {
    auto node = case_with_v4();
    node.config->source_v4 = addr("10.0.1.7");
    EXPECT_THAT(only(check_addresses(node)).text, HasSubstr("10.0.1.7 is in the subnet of to-B"));
    node.config->adjacencies[0].bfd.emplace();
    EXPECT_THAT(check_addresses(node), testing::IsEmpty());
}

}  // namespace
}  // namespace sidestep
