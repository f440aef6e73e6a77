// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests adjacencies whose neighbor is known by IPv4: what they are, and what cannot go over them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/config/client_session.hpp"
#include "detector/core/session_list.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Of Parts: A-B is known by IPv4.
Parts with_v4(const std::string& probe = "return-address: 10.0.1.1", const std::string& keys = "") {
    Parts parts;
    parts.node = R"(node: {name: A, source-address: "fd00:a::1", source-address-ipv4: 192.0.2.1})";
    parts.first = "- {name: A-B, interface: to-B, neighbor: 10.0.1.2, probe: {" + probe + "}" + keys + "}";
    parts.policy = "- {name: to-D, prefixes: [203.0.113.0/24], candidates: [{adjacency: A-B}]}";
    return parts;
}

TEST(ConfigIpv4, ANeighborIsProbedByTheFamilyOfItsAddress) {
    auto parts = with_v4();
    parts.probe = "probe: {turnaround: end}";
    parts.second =
        "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00::1, segment: 'fd00:c::'}}";
    const auto config = read_good(parts.text());
    const auto& first = config.adjacencies.at(0);
    EXPECT_EQ(first.neighbor, address("10.0.1.2"));
    EXPECT_EQ(first.probe.return_address, address("10.0.1.1"));
    EXPECT_EQ(first.probe.turnaround, Turnaround::forward) << "the node's default is for the others";
    EXPECT_THAT(first.probe.back, IsEmpty());
    EXPECT_EQ(config.adjacencies.at(1).probe.turnaround, Turnaround::end);
    const auto sessions = sessions_of(config);
    EXPECT_EQ(sessions.at(0).source, address("192.0.2.1"));
    EXPECT_EQ(sessions.at(1).source, address("fd00:a::1"));
}

TEST(ConfigIpv4, ANodeWithoutIpv6NeedsNoSuchSource) {
    auto parts = with_v4();
    parts.node = "node: {name: A, source-address-ipv4: 192.0.2.1}";
    parts.second = "- {name: A-C, interface: to-C, neighbor: 10.0.2.2, probe: {return-address: 10.0.2.1}}";
    EXPECT_TRUE(read_good(parts.text()).source.is_unspecified());
    parts.second = "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00::1}}";
    EXPECT_THAT(complaints_about(parts.text()), ElementsAre(HasSubstr("f:1:7: node.source-address: ")));
}

TEST(ConfigIpv4, BfdNeedsNoSource) {
    auto parts = with_v4();
    parts.node = R"(node: {name: A, source-address: "fd00:a::1"})";
    parts.first = "- {name: A-B, interface: to-B, neighbor: 10.0.1.2, bfd: {}}";
    const auto config = read_good(parts.text());
    EXPECT_EQ(bfd_peer(sessions_of(config).at(0)), address("10.0.1.2"));
}

TEST(ConfigIpv4, ABypassOfAnotherFamilyIsWarnedOf) {
    auto parts = with_v4();
    parts.second =
        "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00::1}, bypass: [{adjacency: "
        "A-B}]}";
    Complaints complaints{.file = "f", .list = {}};
    EXPECT_TRUE(read_config(parts.text(), complaints));
    ASSERT_EQ(complaints.warnings.size(), 1U);
    EXPECT_THAT(complaints.warnings.front().to_string(),
                HasSubstr("adjacencies[1].bypass[0].adjacency: the neighbor of 'A-B' is known by IPv4: IPv6 packets"));
    // The other way around, IPv6 carries both.
    parts = with_v4("return-address: 10.0.1.1", ", bypass: [{adjacency: A-C, segments: [fd00::c]}]");
    EXPECT_THAT(read_good(parts.text()).adjacencies.at(0).bypass.at(0).lists.at(0).segments,
                ElementsAre(address("fd00::c")));
}

TEST(ConfigIpv4, ClientsMayAskForSuchSessions) {
    const auto asked = [](const char* sources) {
        auto parts = with_v4();
        parts.node = std::string("node: {name: A, ") + sources + "}";
        if (!parts.node.contains("ipv4")) parts.first = Parts().first;
        if (!parts.node.contains("ipv4")) parts.policy = Parts().policy;
        return read_client_session(R"({"adjacency": {"name": "n", "interface": "to-E", "neighbor": "10.0.9.2",
                                       "probe": {"return-address": "10.0.9.1"}}})",
                                   read_good(parts.text()));
    };
    const auto session = asked("source-address: fd00::1, source-address-ipv4: 192.0.2.1");
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_EQ(session->source, address("192.0.2.1"));
    const auto without = asked("source-address: fd00::1");
    ASSERT_FALSE(without);
    EXPECT_THAT(without.error().message,
                HasSubstr("neighbor: is an IPv4 address: its probes need node.source-address-ipv4"));
}

class BadIpv4 : public testing::TestWithParam<BadCase> {};

TEST_P(BadIpv4, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_ipv4() {
    const std::string known_by_v4 = ", and the neighbor of 'A-B' is known by IPv4";
    return {
        {"NoSource",
         [](Parts& p) {
             p = with_v4();
             p.node = Parts().node;
         },
         {"f:5:42: adjacencies[0].neighbor: is an IPv4 address: its probes need node.source-address-ipv4"}},
        {"ReturnAddressIsIpv6",
         [](Parts& p) { p = with_v4("return-address: fd00::1"); },
         {"f:5:76: adjacencies[0].probe.return-address: must be an IPv4 address"}},
        {"ReturnAddressOfAnIpv6NeighborIsIpv4",
         [](Parts& p) { p.first = adjacency_with_probe("{return-address: 10.0.1.1}"); },
         {"f:5:77: adjacencies[0].probe.return-address: must be an IPv6 address"}},
        {"ReturnAddressIsTheSource",
         [](Parts& p) { p = with_v4("return-address: 192.0.2.1"); },
         {"f:5:76: adjacencies[0].probe.return-address: is node.source-address-ipv4, too: probes must come from "
          "another address than they return to"}},
        {"ReturnAddressIsTheNeighbor",
         [](Parts& p) { p = with_v4("return-address: 10.0.1.2"); },
         {"f:5:76: adjacencies[0].probe.return-address: is the neighbor; it must be an address of this node"}},
        {"NeighborIsMulticast",
         [](Parts& p) {
             p = with_v4();
             p.first = "- {name: A-B, interface: to-B, neighbor: 224.0.0.5, probe: {return-address: fd00::1}}";
         },
         {"f:5:42: adjacencies[0].neighbor: must not be a multicast address"}},
        {"Turnaround",
         [](Parts& p) { p = with_v4("return-address: 10.0.1.1, turnaround: end"); },
         {"f:5:98: adjacencies[0].probe.turnaround: must be forward: the neighbor is known by IPv4, and SIDs are "
          "IPv6"}},
        {"Segment",
         [](Parts& p) { p = with_v4("return-address: 10.0.1.1, segment: 'fd00:b::'"); },
         {"f:5:95: adjacencies[0].probe.segment: is for turnaround end and end.x only; this probe uses forward"}},
        {"ListWithSegments",
         [](Parts& p) {
             p = with_v4();
             p.policy =
                 "- {name: to-D, prefixes: [203.0.113.0/24], candidates: [{adjacency: A-C, segments: [fd00::d]}, "
                 "{adjacency: A-B, segments: [fd00::d]}]}";
         },
         {"f:8:123: policies[0].candidates[1].segments: a list with segments needs IPv6" + known_by_v4}},
        {"BypassWithSegments",
         [](Parts& p) {
             p = with_v4();
             p.second =
                 "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00::1}, bypass: "
                 "[{adjacency: A-B, segments: [fd00::d]}]}";
         },
         {"f:6:121: adjacencies[1].bypass[0].segments: a list with segments needs IPv6" + known_by_v4}},
        {"PolicyWithIpv6Prefixes",
         [](Parts& p) {
             p = with_v4();
             p.policy = "- {name: to-D, prefixes: ['2001:db8::/32', 203.0.113.0/24], candidates: [{adjacency: A-B}]}";
         },
         {"f:8:86: policies[0].candidates[0].adjacency: a policy with IPv6 prefixes needs IPv6" + known_by_v4}},
        {"Path",
         [](Parts& p) {
             p = with_v4();
             p.more = "paths: [{name: P, adjacency: A-B, segments: [fd00::c], probe: {return-address: fd00::1}}]";
         },
         {"f:10:30: paths[0].adjacency: a path needs IPv6" + known_by_v4}},
        {"EndX",
         [](Parts& p) {
             p = with_v4();
             p.more =
                 "device: sr0\nsr-domain: ['fd00::/16']\nsids: [{sid: fd00:a::5, behavior: end.x, adjacency: A-B}]";
         },
         {"f:12:53: sids[0].adjacency: end.x needs IPv6" + known_by_v4}},
    };
}

INSTANTIATE_TEST_SUITE_P(Adjacencies, BadIpv4, testing::ValuesIn(bad_ipv4()), name_of);

}  // namespace
}  // namespace sidestep
