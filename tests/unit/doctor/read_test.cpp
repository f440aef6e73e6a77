// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads what iproute2 6.1 printed, and what it might print instead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor/look.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Read, Interfaces) {
    Machine machine;
    read_interfaces(json::parse(R"([{"ifindex":2,"ifname":"to-b","flags":["BROADCAST","UP","LOWER_UP"],"mtu":1500,
        "master":"bond0","linkinfo":{"info_kind":"veth"},"xdp":{"mode":1,"prog":{"id":7,"name":"fence"}},
        "addr_info":[{"family":"inet6","local":"fd00:ab::a","prefixlen":64},
                     {"family":"inet","local":"10.0.0.1","prefixlen":24}]},
        {"ifname":"to-c","xdp":{"mode":1,"prog":{"id":8,"name":"ss_ingress_xdp"}}}, {"mtu":1500}, 3])"),
                    machine);
    ASSERT_EQ(machine.interfaces.size(), 2U);
    const auto& seen = machine.interfaces["to-b"];
    EXPECT_TRUE(seen.up && seen.carrier && seen.sends_broadcast && !seen.loopback);
    EXPECT_EQ(seen.mtu, 1500U);
    EXPECT_EQ(seen.kind, "veth");
    EXPECT_EQ(seen.master, "bond0");
    EXPECT_EQ(seen.xdp, "fence");
    ASSERT_EQ(seen.addresses.size(), 2U);
    EXPECT_EQ(seen.addresses[1].length, 120) << "in the 128-bit form";
    EXPECT_EQ(machine.interfaces["to-c"].xdp, "") << "ours";
    EXPECT_THAT(machine.holders(*Address::parse("fd00:ab::a")), ElementsAre("to-b"));
}

TEST(Read, Neighbors) {
    Machine machine;
    read_neighbors(json::parse(R"([{"dst":"fe80::b","dev":"to-b","lladdr":"4e:2c:a3:b6:21:46","router":null,
        "state":["REACHABLE"]},{"dst":"fe80::c","dev":"to-b","state":["INCOMPLETE"]},{"dst":"fe80::d"},{}])"),
                   machine);
    ASSERT_EQ(machine.neighbors.size(), 2U);
    EXPECT_TRUE(machine.neighbors[0].resolved() && machine.neighbors[0].router);
    EXPECT_EQ(machine.neighbors[0].mac, "4e:2c:a3:b6:21:46");
    EXPECT_FALSE(machine.neighbors[1].resolved());
}

TEST(Read, Routes) {
    const auto routes = read_routes(json::parse(R"([
        {"dst":"fd00:a::","encap":"seg6local","action":"End","dev":"sr0","protocol":"86","metric":1024,"flags":[]},
        {"dst":"default","gateway":"fe80::b","dev":"to-b"}, {"dst":"default","gateway":"10.0.0.2","dev":"to-b"},
        {"dst":"2001:db8::/32","nexthops":[{"gateway":"fe80::c","dev":"to-c"},{"gateway":"fe80::b","dev":"to-b"}]},
        {"type":"local","dst":"fd00:ab::a","dev":"to-b","table":"local","protocol":"kernel"}, {}])"));
    ASSERT_EQ(routes.size(), 6U) << "one for each next hop";
    EXPECT_EQ(routes[0].encap, "seg6local");
    EXPECT_EQ(routes[0].protocol, "86");
    EXPECT_EQ(routes[1].prefix.to_string(), "::/0");
    EXPECT_EQ(routes[2].prefix.to_string(), "0.0.0.0/0");
    EXPECT_EQ(routes[3].interface, "to-c");
    EXPECT_THAT(routes[3].others, ElementsAre("to-b"));
    EXPECT_EQ(routes[4].gateway, *Address::parse("fe80::b"));
    EXPECT_TRUE(routes[4].uses("to-b") && routes[4].uses("to-c") && !routes[4].uses("to-d"));
    EXPECT_EQ(routes[5].type, "local");
    EXPECT_THAT(read_routes(nullptr), IsEmpty());
}

TEST(Read, RulesOfOthers) {
    const auto* kernels = R"({"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"})";
    EXPECT_FALSE(has_rules(json::parse(std::string("[") + kernels + "]")));
    EXPECT_TRUE(has_rules(json::parse(std::string("[") + kernels + R"(,{"priority":100,"src":"all","table":"100"}])")));
    EXPECT_FALSE(has_rules(nullptr));
}

TEST(Read, Filters) {
    EXPECT_THAT(read_filters(json::parse(R"([{"protocol":"all","pref":10,"kind":"bpf","chain":0},
        {"protocol":"all","pref":10,"kind":"bpf","chain":0,"options":{"handle":"0x1","bpf_name":"limiter"}},
        {"protocol":"all","pref":862,"kind":"bpf","options":{"bpf_name":"ss_ingress"}},
        {"protocol":"ip","pref":20,"kind":"flower","options":{"handle":1}}])")),
                ElementsAre("limiter pref 10", "flower pref 20"));
}

}  // namespace
}  // namespace sidestep
