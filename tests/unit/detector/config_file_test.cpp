// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration reader: what a good file means, and the exact complaint about each bad one.
#include "detector/io/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// A good configuration by parts, so that a test replaces one of them; each part starts on a line of its own:
/// node 1, clock 2, probe 3, adjacencies 4 (items on 5 and 6), policies 7 (item on 8), ingress 9.
struct Parts {
    std::string node = R"(node: {name: A, source-address: "fd00:a::1"})";
    std::string clock = "clock: auto";
    std::string probe = "probe: {interval: 2ms, turnaround: forward}";
    std::string first = R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {sink: "fd00:ab::1"}})";
    std::string second = R"(- {name: A-C, interface: to-C, neighbor: "fd00:ac::2", probe: {sink: "fd00:ac::1"}})";
    std::string policy = R"(- {name: to-D, prefixes: ["2001:db8:d::/48"], candidates: [{adjacency: A-B}]})";
    std::string ingress = "ingress: [to-S, to-B]";

    [[nodiscard]] std::string text() const {
        return node + "\n" + clock + "\n" + probe + "\nadjacencies:\n" + first + "\n" + second + "\npolicies:\n" +
               policy + "\n" + ingress + "\n";
    }
};

std::vector<std::string> complaints_about(const std::string& text, const InterfaceExists& exists = {}) {
    Complaints complaints{.file = "f", .list = {}};
    const auto config = read_config(text, complaints, exists);
    EXPECT_EQ(config.has_value(), complaints.empty());
    std::vector<std::string> lines;
    for (const auto& complaint : complaints.list) lines.push_back(complaint.to_string());
    return lines;
}

Config read_good(const std::string& text) {
    Complaints complaints{.file = "f", .list = {}};
    auto config = read_config(text, complaints);
    EXPECT_EQ(complaints.to_string(), "");
    return config.value_or(Config{});
}

Address address(const char* text) {
    return Address::parse(text).value();
}

std::string adjacency_with_probe(const std::string& probe) {
    return R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", probe: )" + probe + "}";
}

std::string policy_with_candidates(const std::string& candidates) {
    return "- {name: to-D, prefixes: [], candidates: " + candidates + "}";
}

TEST(ConfigFile, FillsInTheDefaults) {
    const auto config = read_good(
        "node: {name: A, source-address: fd00:a::1}\n"
        "adjacencies: [{name: A-B, interface: to-B, neighbor: fe80::b, probe: {sink: fd00:ab::1}}]\n");
    EXPECT_EQ(config.node, "A");
    EXPECT_EQ(config.source, address("fd00:a::1"));
    EXPECT_EQ(config.clock, ClockKind::automatic);
    ASSERT_EQ(config.adjacencies.size(), 1U);
    const auto& adjacency = config.adjacencies[0];
    EXPECT_EQ(adjacency.name, "A-B");
    EXPECT_EQ(adjacency.interface, "to-B");
    EXPECT_EQ(adjacency.neighbor, address("fe80::b"));
    EXPECT_EQ(adjacency.probe.interval, 1ms);
    EXPECT_EQ(adjacency.probe.multiplier, 3U);
    EXPECT_EQ(adjacency.probe.up_count, 3U);
    EXPECT_EQ(adjacency.probe.wait_to_restore, 5s);
    EXPECT_EQ(adjacency.probe.allowance, 200us);
    EXPECT_EQ(adjacency.probe.turnaround, Turnaround::forward);
    EXPECT_EQ(adjacency.probe.sink, address("fd00:ab::1"));
    EXPECT_TRUE(adjacency.probe.back.empty());
    EXPECT_TRUE(config.policies.empty());
    EXPECT_TRUE(config.ingress.empty());
}

TEST(ConfigFile, AdjacenciesOverrideTheProbeDefaults) {
    const auto config = read_good(
        "node: {name: A, source-address: fd00:a::1}\n"
        "clock: process\n"
        "probe: {interval: 10ms, multiplier: 5, up-count: 7, wait-to-restore: 0s, turnaround: end}\n"
        "adjacencies:\n"
        "- {name: A-B, interface: to-B, neighbor: fe80::b, probe: {sink: fd00:ab::1, segment: 'fd00:b::'}}\n"
        "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {sink: fd00:ac::1, segment: 'fd00:c:a::',\n"
        "   turnaround: end.x, interval: 2ms, multiplier: 4, up-count: 1, wait-to-restore: 1min, allowance: 3ms}}\n");
    EXPECT_EQ(config.clock, ClockKind::process);
    ASSERT_EQ(config.adjacencies.size(), 2U);
    const auto& inherited = config.adjacencies[0].probe;
    EXPECT_EQ(inherited.interval, 10ms);
    EXPECT_EQ(inherited.multiplier, 5U);
    EXPECT_EQ(inherited.up_count, 7U);
    EXPECT_EQ(inherited.wait_to_restore, 0s);
    EXPECT_EQ(inherited.allowance, 2ms);
    EXPECT_EQ(inherited.turnaround, Turnaround::end);
    EXPECT_THAT(inherited.back, ElementsAre(address("fd00:b::")));
    const auto& own = config.adjacencies[1].probe;
    EXPECT_EQ(own.interval, 2ms);
    EXPECT_EQ(own.multiplier, 4U);
    EXPECT_EQ(own.up_count, 1U);
    EXPECT_EQ(own.wait_to_restore, 1min);
    EXPECT_EQ(own.allowance, 3ms);
    EXPECT_EQ(own.turnaround, Turnaround::end_x);
    EXPECT_THAT(own.back, ElementsAre(address("fd00:c:a::")));
}

TEST(ConfigFile, ReadsPoliciesInOrderOfPreference) {
    Parts parts;
    parts.policy = R"(- {name: to-D, prefixes: ["2001:db8:d::/48", "::/0"], candidates: [{adjacency: A-B}, )"
                   R"({adjacency: A-C, segments: ["fd00:c::", "fd00:b:d6::"]}, )"
                   R"({adjacency: A-B, encap: h.encaps, segments: ["fd00:b::"]}, {adjacency: A-C, encap: plain}]})";
    const auto config = read_good(parts.text());
    ASSERT_EQ(config.policies.size(), 1U);
    const auto& policy = config.policies[0];
    EXPECT_EQ(policy.name, "to-D");
    EXPECT_THAT(policy.prefixes, ElementsAre(Prefix::parse("2001:db8:d::/48"), Prefix::parse("::/0")));
    ASSERT_EQ(policy.candidates.size(), 4U);
    EXPECT_EQ(policy.candidates[0].adjacency, "A-B");
    EXPECT_EQ(policy.candidates[0].encap, Encap::plain);
    EXPECT_EQ(policy.candidates[1].encap, Encap::h_encaps);
    EXPECT_THAT(policy.candidates[1].segments, ElementsAre(address("fd00:c::"), address("fd00:b:d6::")));
    EXPECT_EQ(policy.candidates[2].encap, Encap::h_encaps);
    EXPECT_EQ(policy.candidates[3].encap, Encap::plain);
    EXPECT_THAT(config.ingress, ElementsAre("to-S", "to-B"));
}

TEST(ConfigFile, TheExampleIsGood) {
    Complaints complaints;
    const auto config = read_config_file(SIDESTEP_SOURCE_DIR "/docs/example.yaml", complaints);
    EXPECT_EQ(complaints.to_string(), "");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->node, "A");
    EXPECT_EQ(config->adjacencies.size(), 2U);
}

TEST(ConfigFile, AnUnreadableFileIsAComplaint) {
    Complaints complaints;
    EXPECT_FALSE(read_config_file("/nonexistent.yaml", complaints));
    EXPECT_EQ(complaints.to_string(), "/nonexistent.yaml: No such file or directory");
}

/// One bad configuration: a name for the test, the change to the good one, and what is said about it.
struct BadCase {
    const char* name;
    std::function<void(Parts&)> change;
    std::vector<std::string> complaints;
};

void PrintTo(const BadCase& bad, std::ostream* out) {
    *out << bad.name;
}

class BadConfig : public testing::TestWithParam<BadCase> {};

TEST_P(BadConfig, IsNamedByLineColumnFieldAndReason) {
    Parts parts;
    GetParam().change(parts);
    EXPECT_THAT(complaints_about(parts.text()), testing::ElementsAreArray(GetParam().complaints));
}

std::vector<BadCase> bad_structure() {
    return {
        {"UnknownKeyAtTheTop",
         [](Parts& p) { p.ingress = "ingres: [to-S]"; },
         {"f:9:1: ingres: unknown key; known: node, clock, probe, adjacencies, paths, passives, policies, ingress"}},
        {"UnknownKeyInNode",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::1, asn: 1}"; },
         {"f:1:42: node.asn: unknown key; known: name, source-address"}},
        {"UnknownKeyInDefaults",
         [](Parts& p) { p.probe = "probe: {sink: fd00::1}"; },
         {"f:3:9: probe.sink: unknown key; known: interval, multiplier, up-count, wait-to-restore, allowance, "
          "turnaround, loss-limit, rtt-limit, damping"}},
        {"DampingThatNeverSuppresses",
         [](Parts& p) { p.probe = "probe: {damping: {half-life: 10s, max-suppress: 1s}}"; },
         {"f:3:18: probe.damping: never suppresses: with this half-life and max-suppress the penalty stays below "
          "1072"}},
        {"UnknownKeyInAdjacency",
         [](Parts& p) {
             p.first = "- {name: A-B, interface: to-B, neighbor: fe80::b, mtu: 1, probe: {sink: fd00:ab::1}}";
         },
         {"f:5:51: adjacencies[0].mtu: unknown key; known: name, interface, neighbor, probe"}},
        {"UnknownKeyInProbe",
         [](Parts& p) { p.first = adjacency_with_probe("{sink: fd00:ab::1, mult: 3}"); },
         {"f:5:79: adjacencies[0].probe.mult: unknown key; known: interval, multiplier, up-count, wait-to-restore, "
          "allowance, turnaround, loss-limit, rtt-limit, damping, sink, segment"}},
        {"UnknownKeyInPolicy",
         [](Parts& p) { p.policy = "- {name: to-D, prefix: x, prefixes: [], candidates: [{adjacency: A-B}]}"; },
         {"f:8:16: policies[0].prefix: unknown key; known: name, prefixes, candidates"}},
        {"UnknownKeyInCandidate",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, weight: 2}]"); },
         {"f:8:60: policies[0].candidates[0].weight: unknown key; known: adjacency, encap, segments, sessions"}},
        {"KeyTwice",
         [](Parts& p) { p.node = "node: {name: A, name: B, source-address: fd00::1}"; },
         {"f:1:17: node.name: given twice"}},
        {"MissingNode", [](Parts& p) { p.node = ""; }, {"f:2:1: node: missing"}},
        {"MissingNodeFields",
         [](Parts& p) { p.node = "node: {}"; },
         {"f:1:7: node.name: missing", "f:1:7: node.source-address: missing"}},
        {"MissingAdjacencyFields",
         [](Parts& p) { p.second = "- {}"; },
         {"f:6:3: adjacencies[1].name: missing", "f:6:3: adjacencies[1].interface: missing",
          "f:6:3: adjacencies[1].neighbor: missing", "f:6:3: adjacencies[1].probe: missing"}},
        {"MissingPolicyFields",
         [](Parts& p) { p.policy = "- {}"; },
         {"f:8:3: policies[0].name: missing", "f:8:3: policies[0].prefixes: missing",
          "f:8:3: policies[0].candidates: missing"}},
        {"MissingCandidateAdjacency",
         [](Parts& p) { p.policy = policy_with_candidates("[{encap: plain}]"); },
         {"f:8:43: policies[0].candidates[0].adjacency: missing"}},
        {"NotAMap", [](Parts& p) { p.node = "node: A"; }, {"f:1:7: node: must be a map"}},
        {"NotAList", [](Parts& p) { p.ingress = "ingress: to-S"; }, {"f:9:10: ingress: must be a list"}},
    };
}

std::vector<BadCase> bad_node() {
    return {
        {"NodeNameWithASlash",
         [](Parts& p) { p.node = "node: {name: a/b, source-address: fd00::1}"; },
         {"f:1:14: node.name: must be 1 to 32 letters, digits, dots, underscores or hyphens"}},
        {"NodeNameTooLong",
         [](Parts& p) { p.node = "node: {name: " + std::string(33, 'a') + ", source-address: fd00::1}"; },
         {"f:1:14: node.name: must be 1 to 32 letters, digits, dots, underscores or hyphens"}},
        {"SourceIsNoAddress",
         [](Parts& p) { p.node = "node: {name: A, source-address: fd00::g}"; },
         {"f:1:33: node.source-address: must be an IPv6 address"}},
        {"SourceIsIpv4",
         [](Parts& p) { p.node = "node: {name: A, source-address: 192.0.2.1}"; },
         {"f:1:33: node.source-address: must be an IPv6 address"}},
        {"SourceIsLinkLocal",
         [](Parts& p) { p.node = "node: {name: A, source-address: fe80::1}"; },
         {"f:1:33: node.source-address: must not be a link-local address: it cannot be routed to"}},
        {"UnknownClock",
         [](Parts& p) { p.clock = "clock: sundial"; },
         {"f:2:8: clock: must be one of: auto, kernel, process"}},
    };
}

std::vector<BadCase> bad_probe() {
    return {
        {"IntervalBelowTheProcessClock",
         [](Parts& p) {
             p.clock = "clock: process";
             p.probe = "probe: {interval: 999us}";
         },
         {"f:3:19: probe.interval: must be from 1 ms to 60 s with clock: process"}},
        {"IntervalBelowTheKernelClock",
         [](Parts& p) {
             p.clock = "clock: kernel";
             p.probe = "probe: {interval: 49us}";
         },
         {"f:3:19: probe.interval: must be from 50 us to 60 s with clock: kernel"}},
        {"IntervalBelowAnyClock",
         [](Parts& p) { p.first = adjacency_with_probe("{sink: fd00:ab::1, interval: 49us}"); },
         {"f:5:89: adjacencies[0].probe.interval: must be from 50 us to 60 s with clock: auto"}},
        {"IntervalTooLong",
         [](Parts& p) { p.probe = "probe: {interval: 61s}"; },
         {"f:3:19: probe.interval: must be from 50 us to 60 s with clock: auto"}},
        {"IntervalWithoutUnit",
         [](Parts& p) { p.probe = "probe: {interval: 1}"; },
         {"f:3:19: probe.interval: must be a duration with its unit, such as 250us, 1ms or 5s"}},
        {"MultiplierZero",
         [](Parts& p) { p.probe = "probe: {multiplier: 0}"; },
         {"f:3:21: probe.multiplier: must be a whole number from 1 to 32 probes"}},
        {"UpCountTooLarge",
         [](Parts& p) { p.probe = "probe: {up-count: 65}"; },
         {"f:3:19: probe.up-count: must be a whole number from 1 to 64 probes"}},
        {"WaitToRestoreTooLong",
         [](Parts& p) { p.probe = "probe: {wait-to-restore: 2h}"; },
         {"f:3:26: probe.wait-to-restore: must be from 0 ns to 3600 s"}},
        {"AllowanceTooShort",
         [](Parts& p) { p.probe = "probe: {allowance: 9us}"; },
         {"f:3:20: probe.allowance: must be from 10 us to 10 s"}},
        {"UnknownTurnaround",
         [](Parts& p) { p.probe = "probe: {turnaround: u-turn}"; },
         {"f:3:21: probe.turnaround: must be one of: forward, end, end.x"}},
        {"SinkMissing",
         [](Parts& p) { p.first = adjacency_with_probe("{interval: 1ms}"); },
         {"f:5:60: adjacencies[0].probe.sink: missing"}},
        {"SinkIsLinkLocal",
         [](Parts& p) { p.first = adjacency_with_probe("{sink: fe80::a}"); },
         {"f:5:67: adjacencies[0].probe.sink: must not be a link-local address: it cannot be routed to"}},
        {"SegmentMissing",
         [](Parts& p) { p.first = adjacency_with_probe("{sink: fd00:ab::1, turnaround: end.x}"); },
         {"f:5:60: adjacencies[0].probe.segment: missing"}},
        {"SegmentMissingForTheInheritedTurnaround",
         [](Parts& p) {
             p.probe = "probe: {turnaround: end}";
             p.second = "";
         },
         {"f:5:60: adjacencies[0].probe.segment: missing"}},
        {"SegmentWithForward",
         [](Parts& p) { p.first = adjacency_with_probe("{sink: fd00:ab::1, segment: 'fd00:b::'}"); },
         {"f:5:88: adjacencies[0].probe.segment: is for turnaround end and end.x; this probe is turned around by "
          "forward"}},
    };
}

std::vector<BadCase> bad_adjacencies() {
    const auto adjacency = [](const std::string& name, const std::string& interface, const std::string& neighbor) {
        return "- {name: " + name + ", interface: " + interface + ", neighbor: '" + neighbor +
               "', probe: {sink: fd00:ab::1}}";
    };
    return {
        {"NameTwice",
         [=](Parts& p) { p.second = adjacency("A-B", "to-C", "fe80::c"); },
         {"f:6:10: adjacencies[1].name: 'A-B' is already given on line 5"}},
        {"NameWithASpace",
         [=](Parts& p) { p.second = adjacency("A C", "to-C", "fe80::c"); },
         {"f:6:10: adjacencies[1].name: must be 1 to 63 printable characters without spaces"}},
        {"InterfaceNameTooLong",
         [=](Parts& p) { p.second = adjacency("A-C", "sixteen-letters-", "fe80::c"); },
         {"f:6:26: adjacencies[1].interface: 'sixteen-letters-' is longer than the 15 characters of an interface "
          "name"}},
        {"InterfaceNameWithASlash",
         [=](Parts& p) { p.second = adjacency("A-C", "to/C", "fe80::c"); },
         {"f:6:26: adjacencies[1].interface: 'to/C' cannot be the name of an interface"}},
        {"NeighborIsMulticast",
         [=](Parts& p) { p.second = adjacency("A-C", "to-C", "ff02::1"); },
         {"f:6:42: adjacencies[1].neighbor: must not be a multicast address"}},
        {"NeighborIsUnspecified",
         [=](Parts& p) { p.second = adjacency("A-C", "to-C", "::"); },
         {"f:6:42: adjacencies[1].neighbor: must not be the unspecified address"}},
    };
}

std::vector<BadCase> bad_policies() {
    return {
        {"NameTwice",
         [](Parts& p) { p.policy += "\n- {name: to-D, prefixes: [], candidates: [{adjacency: A-B}]}"; },
         {"f:9:10: policies[1].name: 'to-D' is already given on line 8"}},
        {"TwoPoliciesForOnePrefix",
         [](Parts& p) {
             p.policy += "\n- {name: to-E, prefixes: ['2001:db8:d::/48'], candidates: [{adjacency: A-B}]}";
         },
         {"f:9:27: policies[1].prefixes[0]: two policies for one prefix: 2001:db8:d::/48 is in policy 'to-D' on "
          "line 8"}},
        {"PrefixTwice",
         [](Parts& p) {
             p.policy =
                 "- {name: to-D, prefixes: ['2001:db8::/32', '2001:DB8:0::/32'], "
                 "candidates: [{adjacency: A-B}]}";
         },
         {"f:8:44: policies[0].prefixes[1]: 2001:db8::/32 twice: already given on line 8"}},
        {"PrefixWithHostBits",
         [](Parts& p) { p.policy = "- {name: to-D, prefixes: ['2001:db8::1/32'], candidates: [{adjacency: A-B}]}"; },
         {"f:8:27: policies[0].prefixes[0]: must be a prefix without host bits, such as 2001:db8::/48 or "
          "192.0.2.0/24"}},
        {"PrefixOfIpv4",
         [](Parts& p) { p.policy = "- {name: to-D, prefixes: [192.0.2.0/24], candidates: [{adjacency: A-B}]}"; },
         {"f:8:27: policies[0].prefixes[0]: IPv4 prefixes are not supported yet"}},
        {"NoCandidates",
         [](Parts& p) { p.policy = policy_with_candidates("[]"); },
         {"f:8:42: policies[0].candidates: must hold 1 to 7 entries, not 0"}},
        {"TooManyCandidates",
         [](Parts& p) {
             std::string list = "[{adjacency: A-B}";
             for (int count = 1; count < 8; ++count) list += ", {adjacency: A-B}";
             p.policy = policy_with_candidates(list + "]");
         },
         {"f:8:42: policies[0].candidates: must hold 1 to 7 entries, not 8"}},
        {"UnknownAdjacency",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-X}]"); },
         {"f:8:55: policies[0].candidates[0].adjacency: no adjacency 'A-X'; known: A-B, A-C"}},
        {"UnknownEncap",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: gre, segments: []}]"); },
         {"f:8:67: policies[0].candidates[0].encap: must be one of: plain, h.encaps"}},
        {"SegmentsWithPlain",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: plain, segments: [fd00::1]}]"); },
         {"f:8:84: policies[0].candidates[0].segments: plain forwarding takes no segments; use encap: h.encaps"}},
        {"SegmentsMissing",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, encap: h.encaps}]"); },
         {"f:8:43: policies[0].candidates[0].segments: missing"}},
        {"SegmentsEmpty",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, segments: []}]"); },
         {"f:8:70: policies[0].candidates[0].segments: must hold 1 to 16 entries, not 0"}},
        {"SegmentsTooMany",
         [](Parts& p) {
             std::string list = "[{adjacency: A-B, segments: [fd00::1";
             for (int count = 1; count < 17; ++count) list += ", fd00::1";
             p.policy = policy_with_candidates(list + "]}]");
         },
         {"f:8:70: policies[0].candidates[0].segments: must hold 1 to 16 entries, not 17"}},
        {"SegmentIsNoAddress",
         [](Parts& p) { p.policy = policy_with_candidates("[{adjacency: A-B, segments: [fd00::1, B]}]"); },
         {"f:8:80: policies[0].candidates[0].segments[1]: must be an IPv6 address"}},
        {"IngressTwice",
         [](Parts& p) { p.ingress = "ingress: [to-S, to-B, to-S]"; },
         {"f:9:23: ingress[2]: 'to-S' is already given on line 9"}},
    };
}

std::string name_of(const testing::TestParamInfo<BadCase>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Structure, BadConfig, testing::ValuesIn(bad_structure()), name_of);
INSTANTIATE_TEST_SUITE_P(Node, BadConfig, testing::ValuesIn(bad_node()), name_of);
INSTANTIATE_TEST_SUITE_P(Probe, BadConfig, testing::ValuesIn(bad_probe()), name_of);
INSTANTIATE_TEST_SUITE_P(Adjacencies, BadConfig, testing::ValuesIn(bad_adjacencies()), name_of);
INSTANTIATE_TEST_SUITE_P(Policies, BadConfig, testing::ValuesIn(bad_policies()), name_of);

TEST(ConfigFile, CollectsAllComplaintsInOrderOfTheFile) {
    Parts parts;
    parts.node = "node: {name: A}";
    parts.probe = "probe: {interval: 1}";
    parts.policy = policy_with_candidates("[{adjacency: A-X}]");
    EXPECT_THAT(complaints_about(parts.text()),
                ElementsAre("f:1:7: node.source-address: missing",
                            "f:3:19: probe.interval: must be a duration with its unit, such as 250us, 1ms or 5s",
                            "f:8:55: policies[0].candidates[0].adjacency: no adjacency 'A-X'; known: A-B, A-C"));
}

TEST(ConfigFile, NamesInterfacesThatThisMachineLacks) {
    const auto exists = [](const std::string& name) { return name == "to-B"; };
    EXPECT_THAT(complaints_about(Parts{}.text(), exists),
                ElementsAre("f:6:26: adjacencies[1].interface: no interface 'to-C' on this machine",
                            "f:9:11: ingress[0]: no interface 'to-S' on this machine"));
    EXPECT_TRUE(interface_exists("lo"));
    EXPECT_FALSE(interface_exists("no-such-if"));
}

TEST(ConfigFile, RefusesMoreAdjacenciesThanTheLimit) {
    Complaints complaints{.file = "f", .list = {}};
    EXPECT_FALSE(read_config(Parts{}.text(), complaints, {}, {.adjacencies = 1}));
    EXPECT_EQ(complaints.to_string(), "f:5:1: adjacencies: must hold 1 to 1 entries, not 2");
}

TEST(ConfigFile, RefusesMoreIntervalsThanCanBeServed) {
    Parts parts;
    parts.first = adjacency_with_probe("{sink: fd00:ab::1, interval: 3ms}");
    Complaints complaints{.file = "f", .list = {}};
    EXPECT_FALSE(read_config(parts.text(), complaints, {}, {.intervals = 1}));
    EXPECT_EQ(complaints.to_string(), "f:5:1: adjacencies: use 2 different probe intervals; at most 1 can be served");
}

TEST(ConfigFile, AnEmptyFileOrOneThatIsNoYamlIsAComplaint) {
    EXPECT_THAT(complaints_about(""), ElementsAre("f: must be a map"));
    EXPECT_THAT(complaints_about("node: [\n"), ElementsAre(testing::StartsWith("f:2:1: ")));
    EXPECT_THAT(complaints_about("adjacencies: []\n"),
                ElementsAre("f:1:1: node: missing", "f:1:14: adjacencies: must hold 1 to 4096 entries, not 0"));
}

TEST(ConfigFile, ListsOnlySomeOfManyKnownAdjacencies) {
    std::string text = "node: {name: A, source-address: fd00::1}\nadjacencies:\n";
    for (char name = 'a'; name < 'k'; ++name) {
        text += std::string("- {name: ") + name + ", interface: i, neighbor: fe80::1, probe: {sink: fd00::1}}\n";
    }
    text += "policies: [{name: p, prefixes: [], candidates: [{adjacency: z}]}]\n";
    EXPECT_THAT(complaints_about(text), ElementsAre("f:13:61: policies[0].candidates[0].adjacency: no adjacency 'z'; "
                                                    "known: a, b, c, d, e, f, g, h and 2 more"));
}

}  // namespace
}  // namespace sidestep
