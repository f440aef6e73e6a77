// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep init` proposes, and that it is a configuration.
#include "doctor/proposal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/config/config_file.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The configuration that the proposal is; an empty one, with complaints, if it is none.
Config read_back(const Proposal& proposal) {
    Complaints complaints;
    const auto text = to_yaml(proposal);
    const auto config = read_config(text, complaints);
    EXPECT_TRUE(config) << complaints.to_string() << '\n' << text;
    return config.value_or(Config{});
}

Machine router() {
    auto machine = good_machine();
    machine.hostname = "a.example.net";
    machine.neighbors[0].mac = "02:00:00:00:00:0b";
    machine.neighbors[1].mac = "02:00:00:00:00:0c";
    for (auto& neighbor : machine.neighbors) neighbor.router = true;
    machine.routes = {{.prefix = *Prefix::parse("2001:db8:d::/48"), .gateway = addr("fe80::b"), .interface = "to-B"},
                      {.prefix = *Prefix::parse("2001:db8:e::/48"), .gateway = addr("fd00:ab::b"), .interface = "to-B"},
                      {.prefix = *Prefix::parse("fd00:c::/48"), .gateway = addr("fe80::c"), .interface = "to-C"},
                      {.prefix = *Prefix::parse("2001:db8:5::/64"), .interface = "to-S", .protocol = "kernel"}};
    machine.neighbors.push_back(
        {.interface = "to-B", .address = addr("fd00:ab::b"), .state = "STALE", .mac = "02:00:00:00:00:0b"});
    return machine;
}

TEST(Propose, AnAdjacencyForEachNeighborThatRoutesLeadTo) {
    const auto proposal = propose(router());
    ASSERT_TRUE(proposal) << proposal.error().message;
    const auto config = read_back(*proposal);
    EXPECT_EQ(config.node, "a");
    EXPECT_EQ(config.source, addr("fd00:a::1")) << "best on lo";
    ASSERT_EQ(config.adjacencies.size(), 2U);
    const auto& first = config.adjacencies[0];
    EXPECT_EQ(first.interface, "to-B");
    EXPECT_EQ(first.neighbor, addr("fe80::b")) << "link-local addresses stay";
    EXPECT_THAT(first.gateways, ElementsAre(addr("fd00:ab::b"))) << "the same router, by its MAC address";
    EXPECT_EQ(first.probe.return_address, addr("fd00:ab::a"));
    EXPECT_THAT(config.ingress, ElementsAre("to-S"));
    EXPECT_FALSE(config.routing);
}

// A backup over the protected link would be none.
TEST(Propose, TheExampleNamesNoLinkTwice) {
    auto proposal = propose(router());
    ASSERT_TRUE(proposal);
    EXPECT_THAT(to_yaml(*proposal), HasSubstr("{adjacency: to-B}\n#       - {adjacency: to-C, segments"));
    proposal->links.pop_back();
    EXPECT_THAT(to_yaml(*proposal), testing::AllOf(HasSubstr("{adjacency: to-B}\n#       - {adjacency: ANOTHER, "),
                                                   HasSubstr("this node has none so far")));
    (void)read_back(*proposal);
}

TEST(Propose, TwoNeighborsOnALan) {
    auto machine = router();
    machine.routes.push_back(
        {.prefix = *Prefix::parse("2001:db8:f::/48"), .gateway = addr("fe80::f"), .interface = "to-B"});
    machine.neighbors.push_back({.interface = "to-B",
                                 .address = addr("fe80::f"),
                                 .state = "STALE",
                                 .router = true,
                                 .mac = "02:00:00:00:00:0f"});
    const auto config = read_back(propose(machine).value());
    ASSERT_EQ(config.adjacencies.size(), 3U);
    EXPECT_EQ(config.adjacencies[0].name, "to-B");
    EXPECT_EQ(config.adjacencies[1].name, "to-B.2");
}

/// B is known by IPv4 alone.
Machine dual_router() {
    auto machine = router();
    machine.interfaces["to-B"].addresses = {{.address = addr("10.0.1.1"), .length = 120}};
    machine.interfaces["lo"].addresses.push_back({.address = addr("127.0.0.1"), .length = 104});
    std::erase_if(machine.neighbors, [](const SeenNeighbor& seen) { return seen.interface == "to-B"; });
    std::erase_if(machine.routes, [](const SeenRoute& route) { return route.interface == "to-B"; });
    machine.routes.push_back(
        {.prefix = *Prefix::parse("203.0.113.0/24"), .gateway = addr("10.0.1.2"), .interface = "to-B"});
    machine.neighbors.push_back(
        {.interface = "to-B", .address = addr("10.0.1.2"), .state = "STALE", .mac = "02:00:00:00:00:0b"});
    return machine;
}

TEST(Propose, NeighborsByIpv4WhereTheLinkHasNoIpv6) {
    auto machine = dual_router();
    machine.interfaces["lo"].addresses.push_back({.address = addr("192.0.2.1")});
    const auto config = read_back(propose(machine).value());
    EXPECT_EQ(config.source_v4, addr("192.0.2.1"));
    ASSERT_EQ(config.adjacencies.size(), 2U);
    EXPECT_EQ(config.adjacencies[0].neighbor, addr("10.0.1.2"));
    EXPECT_EQ(config.adjacencies[0].probe.return_address, addr("10.0.1.1"));
    EXPECT_EQ(config.adjacencies[1].neighbor, addr("fe80::c"));
}

TEST(Propose, TheSourceOfProbesByIpv4IsOnNoLinkWithANeighbor) {
    auto machine = dual_router();
    const auto none = propose(machine).value();
    EXPECT_EQ(none.links.size(), 1U);
    EXPECT_THAT(none.remarks, testing::Contains(HasSubstr("to-B has a neighbor with IPv4 addresses only (10.0.1.2)")));
    machine.interfaces["to-S"].addresses.push_back({.address = addr("198.51.100.1"), .length = 120});
    const auto config = read_back(propose(machine).value());
    EXPECT_EQ(config.source_v4, addr("198.51.100.1"));
    machine.interfaces["to-B"].addresses = {{.address = addr("10.9.9.1"), .length = 120}};
    EXPECT_THAT(propose(machine)->remarks,
                testing::Contains(HasSubstr("to-B has no address in the subnet of its neighbor")));
}

TEST(Propose, ANodeWithoutIpv6) {
    auto machine = dual_router();
    machine.interfaces.erase("to-C");
    machine.interfaces.erase("to-S");
    machine.interfaces["lo"].addresses = {{.address = addr("192.0.2.1")}};
    const auto proposal = propose(machine);
    ASSERT_TRUE(proposal) << proposal.error().message;
    const auto config = read_back(*proposal);
    EXPECT_TRUE(config.source.is_unspecified());
    EXPECT_EQ(config.adjacencies.size(), 1U);
    EXPECT_THAT(config.domain, testing::IsEmpty());
    EXPECT_THAT(to_yaml(*proposal), HasSubstr("203.0.113.0/24"));
}

TEST(Propose, RoutersThatSayTheyAreCountWithoutRoutes) {
    auto machine = router();
    machine.routes.clear();
    machine.neighbors[1].router = false;
    const auto proposal = propose(machine);
    ASSERT_TRUE(proposal) << proposal.error().message;
    ASSERT_EQ(proposal->links.size(), 1U);
    EXPECT_THAT(proposal->ingress, ElementsAre("to-C", "to-S"));
}

TEST(Propose, AHostThatRoutesLeadToIsNoNeighbor) {
    auto machine = router();
    machine.routes.push_back(
        {.prefix = *Prefix::parse("2001:db8:55::/64"), .gateway = addr("2001:db8:5::1"), .interface = "to-S"});
    machine.neighbors.push_back(
        {.interface = "to-S", .address = addr("2001:db8:5::1"), .state = "STALE", .mac = "02:00:00:00:00:05"});
    const auto proposal = propose(machine);
    ASSERT_TRUE(proposal);
    EXPECT_EQ(proposal->links.size(), 2U);
    EXPECT_THAT(proposal->ingress, ElementsAre("to-S"));
}

TEST(Propose, IsIsIsASourceOfPolicies) {
    auto machine = router();
    machine.isis = true;
    const auto config = read_back(propose(machine, "core-1").value());
    EXPECT_EQ(config.node, "core-1");
    ASSERT_TRUE(config.routing);
    EXPECT_EQ(config.routing->topology, "");
    EXPECT_EQ(config.domain.front().to_string(), "fd00:a::/32");
}

// FRR 8.4 announces a locator by such an address; computed SIDs are in it.
TEST(Propose, WithIsIsTheSourceIsInTheLocator) {
    auto machine = router();
    machine.interfaces["lo"].addresses = {{.address = addr("fd00:c::1"), .length = 128},
                                          {.address = addr("fd00:0:c:ffff::1"), .length = 48}};
    EXPECT_EQ(propose(machine)->source, addr("fd00:c::1"));
    machine.isis = true;
    EXPECT_EQ(propose(machine)->source, addr("fd00:0:c:ffff::1"));
}

TEST(Propose, SaysWhereItKnowsNobody) {
    auto machine = router();
    std::erase_if(machine.routes, [](const SeenRoute& route) { return route.interface == "to-C"; });
    std::erase_if(machine.neighbors, [](const SeenNeighbor& seen) { return seen.interface == "to-C"; });
    const auto proposal = propose(machine);
    ASSERT_TRUE(proposal);
    EXPECT_THAT(to_yaml(*proposal),
                HasSubstr("to-C: no neighbor is known there. If there is a router: ping -c 2 ff02::2%to-C"));
}

TEST(Propose, SaysWhatItLeavesOut) {
    auto machine = router();
    machine.interfaces["to-C"].addresses.clear();
    const auto proposal = propose(machine);
    ASSERT_TRUE(proposal);
    EXPECT_THAT(to_yaml(*proposal), HasSubstr("# Left out: to-C has no global IPv6 address"));
    machine.routes.clear();
    machine.neighbors.clear();
    EXPECT_THAT(propose(machine).error().message, HasSubstr("no route leads to a neighbor"));
    for (auto& [name, interface] : machine.interfaces) interface.addresses.clear();
    EXPECT_THAT(propose(machine).error().message, HasSubstr("no global IPv6 address"));
}

TEST(Propose, ANodeOfATopology) {
    Complaints complaints;
    const auto topology = routing::parse_topology(R"(
nodes:
  - {name: A, locator: "fd00:a::/48", loopback: "fd00:a::1", prefixes: ["2001:db8:aa::/48"]}
  - {name: B, locator: "fd00:b::/48", prefixes: ["2001:db8:aa::/48"]}
  - {name: S, kind: host, prefixes: ["2001:db8:5::/48"]}
links:
  - {id: A-B, ends: [A, B], subnet: "fd00:ab::/64"}
  - {id: B-A, ends: [B, A], subnet: "fd00:ba::/64"}
  - {id: bare, ends: [A, B]}
  - {id: S-A, ends: [S, A]}
)",
                                                  complaints);
    ASSERT_TRUE(topology) << complaints.to_string();
    const auto& graph = topology->graph;
    const auto proposal = propose(graph, *graph.find_node("A"), "/etc/sidestep/net.yaml");
    ASSERT_TRUE(proposal) << proposal.error().message;
    const auto config = read_back(*proposal);
    ASSERT_EQ(config.adjacencies.size(), 2U);
    EXPECT_EQ(config.adjacencies[0].interface, "to-B");
    EXPECT_EQ(config.adjacencies[1].interface, "to-B-2");
    EXPECT_EQ(config.adjacencies[1].name, "B-A");
    EXPECT_EQ(config.adjacencies[1].probe.return_address, addr("fd00:ba::2"));
    EXPECT_EQ(config.adjacencies[1].neighbor, addr("fd00:ba::1"));
    EXPECT_THAT(config.ingress, ElementsAre("to-S"));
    ASSERT_TRUE(config.routing);
    EXPECT_EQ(config.routing->topology, "/etc/sidestep/net.yaml");
    EXPECT_EQ(config.domain.front().to_string(), "fd00:a::1/128") << "customers may have prefixes next to it";
    EXPECT_THAT(to_yaml(*proposal), HasSubstr("link bare has no `subnet`"));
    EXPECT_FALSE(propose(graph, *graph.find_node("S"), "net.yaml")) << "no router";
    EXPECT_FALSE(propose(graph, *graph.find_node("B"), "net.yaml")) << "no loopback";
}

}  // namespace
}  // namespace sidestep
