// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The plan of a lab: names, indexes and addresses, and what each node is told.
#include "topo/plan.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/io/topology_file.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A === B --- H, two parallel links, the first with a subnet of its own
constexpr const char* kTopology = R"(
nodes:
  - {name: A, locator: "fd00:a::/48", loopback: "fd00:a::1", prefixes: ["2001:db8:a::/48", "10.1.0.0/16"]}
  - {name: B, locator: "fd00:b::/48", loopback: "fd00:b::1"}
  - {name: H, kind: host, prefixes: ["2001:db8:1::/48"]}
links:
  - {id: A-B, ends: [A, B], metric: 10, subnet: "fd00:ab::/64"}
  - {id: A-B2, ends: [A, B], metric: 20}
  - {id: B-H, ends: [B, H], metric: 10}
)";

routing::Topology topology(const std::string& text) {
    Complaints complaints{.file = "t.yaml", .list = {}};
    auto result = routing::parse_topology(text, complaints);
    EXPECT_TRUE(result) << complaints.to_string();
    return result ? std::move(*result) : routing::Topology{};
}

Result<Plan> plan_of(const std::string& text) {
    return make_plan(topology(text).graph);
}

TEST(Plan, InterfacesAreNamedAfterTheirPeer) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->links[0][0].name, "to-B");
    EXPECT_EQ(plan->links[1][0].name, "to-B-2");
    EXPECT_EQ(plan->links[1][1].name, "to-A-2");
    EXPECT_EQ(plan->links[2][1].name, "to-B");
}

TEST(Plan, IndexesAndMacsAreUniqueInTheWholeLab) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    std::set<int> indexes;
    std::set<std::string> macs;
    for (const auto& link : plan->links) {
        for (const auto& end : link) {
            indexes.insert(end.ifindex);
            macs.insert(end.mac);
        }
    }
    EXPECT_EQ(indexes.size(), 6U);
    EXPECT_EQ(macs.size(), 6U);
}

TEST(Plan, AddressesComeFromTheSubnetOrAreDerived) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->links[0][0].address.to_string(), "fd00:ab::1");
    EXPECT_EQ(plan->links[0][1].address.to_string(), "fd00:ab::2");
    EXPECT_EQ(plan->links[1][0].address.to_string(), "fd00:ffff:2::1");
    EXPECT_EQ(plan->links[1][1].link_local.to_string(), "fe80::2:2");
}

TEST(Plan, TrafficGoesToThePrefixOrElseTheLoopback) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->nodes[0].address.to_string(), "2001:db8:a::1");
    EXPECT_EQ(plan->nodes[1].address.to_string(), "fd00:b::1");
}

TEST(Plan, BatchOfARouter) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    const auto& batch = plan->nodes[0].batch;
    EXPECT_THAT(
        batch,
        AllOf(HasSubstr("addr add fe80::1:1/64 dev to-B nodad\n"), HasSubstr("addr add fd00:ab::1/64 dev to-B nodad\n"),
              HasSubstr("addr add fd00:a::1/128 dev lo nodad\n"), HasSubstr("route add local 2001:db8:a::/48 dev lo\n"),
              HasSubstr("addr add 10.1.0.1/32 dev lo\n")));
    EXPECT_THAT(batch,
                AllOf(HasSubstr("route add fd00:a:0:1::/128 encap seg6local action End dev sr-sids\n"),
                      HasSubstr("route add fd00:a:0:6::/128 encap seg6local action End.DT6 table 254 dev sr-sids\n"),
                      HasSubstr("action End.X nh6 fe80::1:2 oif to-B dev sr-sids\n"),
                      HasSubstr("action End.X nh6 fe80::2:2 oif to-B-2 dev sr-sids\n")));
    EXPECT_THAT(batch, AllOf(HasSubstr("route add fd00:b::/48 via fe80::1:2 dev to-B metric 100\n"),
                             HasSubstr("route add fd00:b::1/128 via fe80::1:2 dev to-B metric 100\n"),
                             HasSubstr("route add 2001:db8:1::/48 via fe80::1:2 dev to-B metric 100\n"),
                             HasSubstr("route add fd00:ffff:3::/64 via fe80::1:2 dev to-B metric 100\n")));
    EXPECT_THAT(plan->nodes[1].batch, HasSubstr("route add 10.1.0.0/16 via inet6 fe80::1:1 dev to-A metric 100\n"));
}

TEST(Plan, HostsNeitherForwardNorOwnSids) {
    const auto plan = plan_of(kTopology);
    ASSERT_TRUE(plan) << plan.error().message;
    const auto& host = plan->nodes[2];
    EXPECT_THAT(host.batch, Not(HasSubstr("seg6local")));
    EXPECT_THAT(host.batch, HasSubstr("route add fd00:a::/48 via fe80::3:1 dev to-B metric 100\n"));
    EXPECT_THAT(host.sysctls, testing::Contains(testing::Pair("net/ipv6/conf/all/forwarding", "0")));
    EXPECT_THAT(plan->nodes[0].sysctls, testing::Contains(testing::Pair("net/ipv6/conf/all/forwarding", "1")));
}

TEST(Plan, LinksAreCreatedInTheNamespacesGiven) {
    const auto graph = topology(kTopology).graph;
    const auto plan = make_plan(graph);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_THAT(
        creation_batch(*plan, graph, {"x", "y", "z"}),
        HasSubstr("link add name to-B index 1001 address 02:53:00:00:00:01 netns x type veth peer name to-A index "
                  "1002 address 02:53:00:00:00:02 netns y\n"));
}

TEST(Plan, AnycastPrefixesLiveOnTheirOwners) {
    const auto plan = plan_of(R"(
nodes:
  - {name: A, locator: "fd00:a::/48", loopback: "fd00:a::1"}
  - {name: B, locator: "fd00:b::/48", loopback: "fd00:b::1", prefixes: ["2001:db8::/48"]}
  - {name: C, locator: "fd00:c::/48", loopback: "fd00:c::1", prefixes: ["2001:db8::/48"]}
links:
  - {id: A-B, ends: [A, B], metric: 20}
  - {id: A-C, ends: [A, C], metric: 10}
)");
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_THAT(plan->nodes[0].batch, HasSubstr("route add 2001:db8::/48 via fe80::2:2 dev to-C metric 100\n"));
    EXPECT_THAT(plan->nodes[1].batch,
                AllOf(HasSubstr("route add local 2001:db8::/48 dev lo\n"), Not(HasSubstr("route add 2001:db8::/48"))));
}

TEST(Plan, RefusesNamesThatDoNotFit) {
    const auto plan = plan_of(R"(
nodes: [{name: a-very-long-name, locator: "fd00:a::/48"}, {name: B, locator: "fd00:b::/48"}]
links: [{id: A-B, ends: [a-very-long-name, B]}]
)");
    ASSERT_FALSE(plan);
    EXPECT_THAT(plan.error().message, HasSubstr("to-a-very-long-name is too long for an interface name"));
}

}  // namespace
}  // namespace sidestep::topo
