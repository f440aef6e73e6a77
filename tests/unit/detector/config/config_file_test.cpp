// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the configuration reader: the result of a good file, and complaints about a file as a whole.
#include "detector/config/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/core/headers.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(ConfigFile, FillsInTheDefaults) {
    const auto config = read_good(
        "node: {name: A, source-address: fd00:a::1}\n"
        "adjacencies: [{name: A-B, interface: to-B, neighbor: fe80::b, probe: {return-address: fd00:ab::1}}]\n");
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
    EXPECT_EQ(adjacency.probe.return_address, address("fd00:ab::1"));
    EXPECT_TRUE(adjacency.probe.back.empty());
    EXPECT_EQ(adjacency.probe.size, 0U);
    EXPECT_EQ(adjacency.probe.traffic_class, kProbeTrafficClass);
    EXPECT_TRUE(adjacency.gateways.empty());
    EXPECT_EQ(adjacency.link, "A-B");
    EXPECT_TRUE(adjacency.bypass.empty());
    EXPECT_FALSE(config.source_v4);
    EXPECT_EQ(config.device, "");
    EXPECT_TRUE(config.domain.empty());
    EXPECT_TRUE(config.sids.empty());
    EXPECT_FALSE(config.routing);
    EXPECT_TRUE(config.policies.empty());
    EXPECT_TRUE(config.ingress.empty());
}

TEST(ConfigFile, AdjacenciesOverrideTheProbeDefaults) {
    const auto config = read_good(
        "node: {name: A, source-address: fd00:a::1}\n"
        "clock: process\n"
        "probe: {interval: 10ms, multiplier: 5, up-count: 7, wait-to-restore: 0s, turnaround: end}\n"
        "adjacencies:\n"
        "- {name: A-B, interface: to-B, neighbor: fe80::b, probe: {return-address: fd00:ab::1, segment: 'fd00:b::'}}\n"
        "- {name: A-C, interface: to-C, neighbor: fe80::c, probe: {return-address: fd00:ac::1, segment: 'fd00:c:a::',\n"
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

TEST(ConfigFile, TheDeviceNeedNotExistYet) {
    Parts parts;
    parts.node = "node: {name: A, source-address: fd00::1, source-address-ipv4: 192.0.2.1}";
    parts.more = "device: no-such-if";
    Complaints complaints;
    const auto config =
        read_config(parts.text(), complaints, [](const std::string& name) { return name != "no-such-if"; });
    ASSERT_TRUE(config) << complaints.to_string();
    EXPECT_EQ(config->device, "no-such-if");
    EXPECT_EQ(config->source_v4, address("192.0.2.1"));
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
    parts.first = adjacency_with_probe("{return-address: fd00:ab::1, interval: 3ms}");
    Complaints complaints{.file = "f", .list = {}};
    EXPECT_FALSE(read_config(parts.text(), complaints, {}, {.intervals = 1}));
    EXPECT_EQ(complaints.to_string(), "f:5:1: adjacencies: use 2 different probe intervals; at most 1 can be served");
}

TEST(ConfigFile, AnEmptyFileOrOneThatIsNoYamlIsAComplaint) {
    // As it is installed by the package.
    for (const auto* nothing : {"", "# a comment\n\n  # another one", "\n\n"}) {
        EXPECT_THAT(complaints_about(nothing),
                    ElementsAre(testing::HasSubstr("f: configures nothing yet: `sidestep init`")));
    }
    EXPECT_THAT(complaints_about("node: [\n"), ElementsAre(testing::StartsWith("f:2:1: ")));
    EXPECT_THAT(complaints_about("adjacencies: []\n"),
                ElementsAre("f:1:1: node: missing", "f:1:14: adjacencies: must hold 1 to 4096 entries, not 0"));
}

TEST(ConfigFile, ListsOnlySomeOfManyKnownAdjacencies) {
    std::string text = "node: {name: A, source-address: fd00::1}\nadjacencies:\n";
    for (char name = 'a'; name < 'k'; ++name) {
        text +=
            std::string("- {name: ") + name + ", interface: i, neighbor: fe80::1, probe: {return-address: fd00::1}}\n";
    }
    text += "policies: [{name: p, prefixes: [], candidates: [{adjacency: z}]}]\n";
    EXPECT_THAT(complaints_about(text), ElementsAre("f:13:61: policies[0].candidates[0].adjacency: no adjacency 'z'; "
                                                    "known: a, b, c, d, e, f, g, h and 2 more"));
}

}  // namespace
}  // namespace sidestep
