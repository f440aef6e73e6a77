// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the settings of computed repairs, and the exact complaint about each bad one.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

RoutingConfig read_routing(const std::string& text) {
    Parts parts;
    parts.more = "routing: " + text;
    return read_good(parts.text()).routing.value_or(RoutingConfig{});
}

TEST(ConfigRouting, HasDefaults) {
    const auto routing = read_routing("{isis: true}");
    EXPECT_EQ(routing.topology, "");
    EXPECT_EQ(routing.vtysh, "vtysh");
    EXPECT_EQ(routing.vty_directory, "");
    EXPECT_EQ(routing.node, "") << "the router that is asked";
    EXPECT_EQ(read_routing("{topology: t}").node, "A");
    EXPECT_EQ(routing.protect, "node");
    EXPECT_EQ(routing.encap, Encap::h_encaps);
    EXPECT_EQ(routing.max_segments, 10U);
    EXPECT_FALSE(routing.next_csid);
    EXPECT_EQ(routing.hold, 2s);
    EXPECT_TRUE(routing.install_sids);
}

TEST(ConfigRouting, ReadsAllOfIt) {
    const auto routing = read_routing(
        "{topology: net.yaml, node: r1, protect: srlg, encap: h.insert, max-segments: 16, next-csid: true, hold: 0s, "
        "install-sids: false}");
    EXPECT_EQ(routing.topology, "net.yaml");
    EXPECT_EQ(routing.vtysh, "");
    EXPECT_EQ(routing.node, "r1");
    EXPECT_EQ(routing.protect, "srlg");
    EXPECT_EQ(routing.encap, Encap::h_insert);
    EXPECT_EQ(routing.max_segments, 16U);
    EXPECT_TRUE(routing.next_csid);
    EXPECT_EQ(routing.hold, 0s);
    EXPECT_FALSE(routing.install_sids);
    EXPECT_EQ(read_routing("{topology: t, encap: h.encaps.red}").encap, Encap::h_encaps_red);
}

TEST(ConfigRouting, KnowsWhereVtyshIs) {
    const auto routing = read_routing("{isis: {vtysh: /opt/frr/vtysh, vty-directory: /run/frr}}");
    EXPECT_EQ(routing.vtysh, "/opt/frr/vtysh");
    EXPECT_EQ(routing.vty_directory, "/run/frr");
    EXPECT_EQ(read_routing("{isis: {}}").vtysh, "vtysh");
    EXPECT_EQ(read_routing("{isis: {}}").isis_level, 2);
    const auto other = read_routing("{isis: {level: 1, area: core}}");
    EXPECT_EQ(other.isis_level, 1);
    EXPECT_EQ(other.isis_area, "core");
}

TEST(ConfigRouting, NeedsNoPolicies) {
    const auto config = read_good(
        "routing: {topology: t}\n"
        "node: {name: A, source-address: fd00:a::1}\n"
        "adjacencies: [{name: A-B, interface: to-B, neighbor: fe80::b, probe: {return-address: fd00:ab::1}}]\n");
    ASSERT_TRUE(config.routing);
    EXPECT_EQ(config.routing->node, "A");
    EXPECT_TRUE(config.policies.empty());
}

/// The path of the topology if the configuration is at `file`.
std::string resolved(const std::string& topology, const std::string& file) {
    Config config;
    config.routing.emplace().topology = topology;
    resolve_paths(config, file);
    return config.routing->topology;
}

TEST(ConfigRouting, ARelativeTopologyIsRelativeToTheFile) {
    EXPECT_EQ(resolved("net.yaml", "/etc/sidestep/a.yaml"), "/etc/sidestep/net.yaml");
    EXPECT_EQ(resolved("nets/1.yaml", "etc/a.yaml"), "etc/nets/1.yaml");
    EXPECT_EQ(resolved("net.yaml", "a.yaml"), "net.yaml");
    EXPECT_EQ(resolved("/net.yaml", "/etc/a.yaml"), "/net.yaml");
    EXPECT_EQ(resolved("", "/etc/a.yaml"), "");  // IS-IS
    Config none;
    resolve_paths(none, "/etc/a.yaml");
    EXPECT_FALSE(none.routing);
}

TEST(ConfigRouting, IsResolvedWhereTheFileIsRead) {
    std::string folder = testing::TempDir() + "routing.XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    Parts parts;
    parts.more = "routing: {topology: net.yaml}";
    std::ofstream(folder + "/a.yaml") << parts.text();
    Complaints complaints;
    const auto config = read_config_file(folder + "/a.yaml", complaints);
    std::filesystem::remove_all(folder);
    ASSERT_TRUE(config) << complaints.to_string();
    EXPECT_EQ(config->routing->topology, folder + "/net.yaml");
}

class BadRouting : public testing::TestWithParam<BadCase> {};

TEST_P(BadRouting, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_routing() {
    return {
        {"NoSource",
         [](Parts& p) { p.more = "routing: {protect: link}"; },
         {"f:10:10: routing: needs a source: topology or isis"}},
        {"TwoSources",
         [](Parts& p) { p.more = "routing: {topology: t, isis: true}"; },
         {"f:10:30: routing.isis: topology is given too; there can be one source only"}},
        {"IsisFalse",
         [](Parts& p) { p.more = "routing: {isis: false}"; },
         {"f:10:17: routing.isis: must be true or a map; leave it out otherwise"}},
        {"IsisIsText",
         [](Parts& p) { p.more = "routing: {isis: frr}"; },
         {"f:10:17: routing.isis: must be true or false"}},
        {"UnknownKeys",
         [](Parts& p) { p.more = "routing: {isis: {socket: x}, ospf: true}"; },
         {"f:10:30: routing.ospf: unknown key; known: topology, isis, node, protect, encap, max-segments, next-csid, "
          "hold, install-sids",
          "f:10:18: routing.isis.socket: unknown key; known: vtysh, vty-directory, level, area"}},
        {"UnknownLevel",
         [](Parts& p) { p.more = "routing: {isis: {level: 3}}"; },
         {"f:10:25: routing.isis.level: must be a whole number from 1 to 2"}},
        {"UnknownProtection",
         [](Parts& p) { p.more = "routing: {isis: true, protect: area}"; },
         {"f:10:32: routing.protect: must be one of: link, node, srlg"}},
        {"PlainEncap",
         [](Parts& p) { p.more = "routing: {isis: true, encap: plain}"; },
         {"f:10:30: routing.encap: must be one of: h.encaps, h.encaps.red, h.insert"}},
        {"TooManySegments",
         [](Parts& p) { p.more = "routing: {isis: true, max-segments: 17}"; },
         {"f:10:37: routing.max-segments: must be a whole number from 1 to 16 segments"}},
        {"HoldTooLong",
         [](Parts& p) { p.more = "routing: {isis: true, hold: 61s}"; },
         {"f:10:29: routing.hold: must be from 0 ns to 60 s"}},
        {"NoBooleans",
         [](Parts& p) { p.more = "routing: {isis: true, next-csid: 1, install-sids: [], node: []}"; },
         {"f:10:61: routing.node: must be a text", "f:10:34: routing.next-csid: must be true or false",
          "f:10:51: routing.install-sids: must be true or false"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Routing, BadRouting, testing::ValuesIn(bad_routing()), name_of);

}  // namespace
}  // namespace sidestep
