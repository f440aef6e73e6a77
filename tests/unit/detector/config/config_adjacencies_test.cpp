// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the settings of adjacencies other than their timing: gateways, link, bypass, and the size of probes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string adjacency_with(const std::string& keys) {
    return R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1"}, )" + keys +
           "}";
}

constexpr const char* kPath =
    "paths: [{name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1}}]";

TEST(ConfigAdjacencies, KnowTheirGatewaysAndTheirLink) {
    Parts parts;
    parts.first = adjacency_with("gateways: ['fe80::b:2', 'fd00:ab::2', 192.0.2.2, 169.254.0.1], link: a to b");
    const auto config = read_good(parts.text());
    EXPECT_THAT(config.adjacencies.at(0).gateways,
                ElementsAre(address("fe80::b:2"), address("fd00:ab::2"), address("192.0.2.2"), address("169.254.0.1")));
    EXPECT_EQ(config.adjacencies.at(0).link, "a to b");
    EXPECT_EQ(config.adjacencies.at(1).link, "A-C");
}

TEST(ConfigAdjacencies, MayHaveEqualGatewaysOnDifferentInterfaces) {
    Parts parts;
    parts.first = adjacency_with("gateways: [169.254.0.1]");
    parts.second =
        "- {name: A-C, interface: to-C, neighbor: fe80::c, gateways: [169.254.0.1], probe: {return-address: fd00::1}}";
    EXPECT_THAT(complaints_about(parts.text()), IsEmpty());
}

TEST(ConfigAdjacencies, HaveABypassOverSessionsThatComeLater) {
    Parts parts;
    parts.first = adjacency_with(
        "bypass: [{adjacency: A-C}, {adjacency: A-C, segments: ['fd00::b']}, "
        "{preference: 101, lists: [{adjacency: A-C, encap: h.insert, segments: ['fd00::c'], sessions: [P], weight: 3}, "
        "{adjacency: A-C}]}]");
    parts.more = kPath;
    const auto config = read_good(parts.text());
    const auto& bypass = config.adjacencies.at(0).bypass;
    ASSERT_EQ(bypass.size(), 3U);
    EXPECT_EQ(bypass[0].preference, 101U);
    ASSERT_EQ(bypass[0].lists.size(), 2U);
    EXPECT_EQ(bypass[0].lists[0].encap, Encap::h_insert);
    EXPECT_EQ(bypass[0].lists[0].weight, 3U);
    EXPECT_THAT(bypass[0].lists[0].sessions, ElementsAre("P"));
    EXPECT_EQ(bypass[1].lists.at(0).adjacency, "A-C");
    EXPECT_EQ(bypass[1].lists.at(0).encap, Encap::plain);
    EXPECT_EQ(bypass[2].lists.at(0).encap, Encap::h_encaps);
    EXPECT_THAT(config.adjacencies.at(1).bypass, IsEmpty());
}

TEST(ConfigAdjacencies, StartProvenOrTrusted) {
    Parts parts;
    EXPECT_EQ(read_good(parts.text()).adjacencies.at(0).probe.start, Start::proven);
    parts.probe = "probe: {start: trusted}";
    parts.second =
        R"(- {name: A-C, interface: to-C, neighbor: "fe80::c", probe: {return-address: "fd00:ac::1", start: proven}})";
    parts.more =
        "paths: [{name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1, start: proven}}]\n"
        "passives: [{name: R, interface: to-B, source: fd00::b, probe: {start: proven}}]";
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.adjacencies.at(0).probe.start, Start::trusted);
    EXPECT_EQ(config.adjacencies.at(1).probe.start, Start::proven);
    EXPECT_EQ(config.paths.at(0).probe.start, Start::proven);
    EXPECT_EQ(config.passives.at(0).probe.start, Start::proven);
    parts.probe = "probe: {start: hopeful}";
    EXPECT_THAT(complaints_about(parts.text()), ElementsAre(testing::HasSubstr("f:3:16: probe.start: ")));
}

TEST(ConfigAdjacencies, HaveProbesOfAnySize) {
    Parts parts;
    parts.probe = "probe: {size: 160}";
    parts.first =
        R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1", size: 9000}})";
    parts.more =
        "paths:\n"
        "- {name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1, size: 1500}}\n"
        "- {name: Q, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1, size: 0}}\n"
        "passives: [{name: R, interface: to-B, source: fd00::b}]";
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.adjacencies.at(0).probe.size, 9000U);
    EXPECT_EQ(config.adjacencies.at(1).probe.size, 160U);
    EXPECT_EQ(config.paths.at(0).probe.size, 1500U);
    EXPECT_EQ(config.paths.at(1).probe.size, 0U);
    EXPECT_EQ(config.passives.at(0).probe.size, 0U);  // it sends none
}

TEST(ConfigAdjacencies, HaveProbesOfAnyTrafficClass) {
    Parts parts;
    parts.probe = "probe: {traffic-class: 0}";
    parts.first =
        R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1", traffic-class: 255}})";
    parts.more =
        "paths:\n"
        "- {name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1, traffic-class: 184}}";
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.adjacencies.at(0).probe.traffic_class, 255U);
    EXPECT_EQ(config.adjacencies.at(1).probe.traffic_class, 0U);
    EXPECT_EQ(config.paths.at(0).probe.traffic_class, 184U);
}

class BadAdjacency : public testing::TestWithParam<BadCase> {};

TEST_P(BadAdjacency, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_gateways() {
    return {
        {"GatewayIsNoAddress",
         [](Parts& p) { p.first = adjacency_with("gateways: [B]"); },
         {"f:5:103: adjacencies[0].gateways[0]: must be an IP address"}},
        {"GatewayIsMulticast",
         [](Parts& p) { p.first = adjacency_with("gateways: ['ff02::1', 224.0.0.1]"); },
         {"f:5:103: adjacencies[0].gateways[0]: must not be a multicast address",
          "f:5:114: adjacencies[0].gateways[1]: must not be a multicast address"}},
        {"GatewayOfTwoNeighbors",
         [](Parts& p) {
             p.first = adjacency_with("gateways: [192.0.2.2, 192.0.2.2]");
             p.second =
                 "- {name: A-C, interface: to-B, neighbor: fe80::c, gateways: [192.0.2.2], probe: {return-address: "
                 "fd00::1}}";
         },
         {"f:5:114: adjacencies[0].gateways[1]: '192.0.2.2%to-B' is already given on line 5",
          "f:6:62: adjacencies[1].gateways[0]: '192.0.2.2%to-B' is already given on line 5"}},
        {"LinkIsEmpty",
         [](Parts& p) { p.first = adjacency_with("link: ''"); },
         {"f:5:98: adjacencies[0].link: must be a text"}},
        {"BypassOverTheAdjacencyItself",
         [](Parts& p) { p.first = adjacency_with("bypass: [{adjacency: A-B}, {lists: [{adjacency: A-B}]}]"); },
         {"f:5:113: adjacencies[0].bypass[0].adjacency: a way over the adjacency itself bypasses nothing",
          "f:5:140: adjacencies[0].bypass[1].lists[0].adjacency: a way over the adjacency itself bypasses nothing"}},
        {"ReturnAddressIsTheNeighbor",
         [](Parts& p) {
             p.first = "- {name: A-B, interface: to-B, neighbor: fd00:ab::2, probe: {return-address: fd00:ab::2}}";
         },
         {"f:5:78: adjacencies[0].probe.return-address: is the neighbor; it must be an address of this node"}},
        {"BypassOverAnUnknownAdjacency",
         [](Parts& p) { p.first = adjacency_with("bypass: [{adjacency: A-X}]"); },
         {"f:5:113: adjacencies[0].bypass[0].adjacency: no adjacency 'A-X'; known: A-B, A-C"}},
        {"BypassWithoutCandidates",
         [](Parts& p) { p.first = adjacency_with("bypass: []"); },
         {"f:5:100: adjacencies[0].bypass: must hold 1 to 6 entries, not 0"}},
        {"SizeOfAPassive",
         [](Parts& p) { p.more = "passives: [{name: R, interface: to-B, source: fd00::b, probe: {size: 200}}]"; },
         {"f:10:64: passives[0].probe.size: unknown key; known: interval, multiplier, up-count, start, "
          "wait-to-restore, "
          "allowance, damping"}},
        {"SizeOfAPath",
         [](Parts& p) {
             p.more =
                 "paths: [{name: P, adjacency: A-C, segments: [fd00::c], probe: {return-address: fd00:ac::1, size: "
                 "100}}]";
         },
         {"f:10:98: paths[0].probe.size: must be 0 (as small as possible) or at least 160 bytes"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Adjacencies, BadAdjacency, testing::ValuesIn(bad_gateways()), name_of);

}  // namespace
}  // namespace sidestep
