// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests transit traffic of both families around a failed link, by a policy and by a bypass alone.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class Transit : public RepairLab {};

TEST_F(Transit, APolicyCarriesBothFamilies) {
    ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    for (const auto* node : {"A", "B"}) {
        EXPECT_GT(taken(node, "far", 1), 0U);
        EXPECT_GT(counter(node, "decapsulated"), 0U);
        EXPECT_EQ(counter(node, "malformed"), 0U);
    }
}

TEST_F(Transit, ABypassCarriesPacketsInNoPolicy) {
    ASSERT_TRUE(start_with(bypass_config("A"), bypass_config("B")));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    for (const auto* node : {"A", "B"}) {
        EXPECT_GT(taken(node, "A-B bypass", 0), 0U);
        EXPECT_GT(counter(node, "decapsulated"), 0U);
    }
}

TEST_F(Transit, SoDoAReducedAndAnInsertedHeader) {
    const auto reduced = with(bypass_config("A"), "encap: h.encaps", "encap: h.encaps.red");
    auto inserted = bypass_config("B");  // C's End, then A's; the packet's own destination comes last
    inserted = with(inserted, detour("B"),
                    fmt::format(R"({{adjacency: C-B, encap: h.insert, segments: ["{}", "{}"]}}, {})",
                                lab().sid("C", 1).to_string(), lab().sid("A", 1).to_string(), detour("B")));
    ASSERT_TRUE(start_with(reduced, inserted));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    EXPECT_GT(taken("B", "A-B bypass", 0), 0U);
    EXPECT_EQ(taken("B", "A-B bypass", 1), 0U);
}

// Packets for this node are not rerouted, whatever prefix they are in, as long as one interface has the address.
TEST_F(Transit, AnAddressOfTwoInterfacesStaysOursUntilBothLoseIt) {
    ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
    const std::string address = "2001:db8:d::77";
    for (const auto* interface : {"lo", "to-C"})
        ASSERT_TRUE(lab().ip("A", {"addr", "add", address + "/128", "dev", interface, "nodad"}));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "A", {.destination = *Address::parse(address), .rate = 500}));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(flows.pass());
    ASSERT_TRUE(lab().ip("A", {"addr", "del", address + "/128", "dev", "to-C"}));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(lossless(flows.stop()));
    EXPECT_EQ(taken("A", "far", 1), 0U);
    ASSERT_TRUE(lab().ip("A", {"addr", "del", address + "/128", "dev", "lo"}));
    Flows elsewhere;
    ASSERT_TRUE(elsewhere.add(lab(), "S", "D", {.rate = 500}));
    EXPECT_TRUE(elsewhere.pass());
    EXPECT_GT(taken("A", "far", 1), 0U);
}

// A VLAN is a separate interface, which is not listed here; its packets pass the parent's ingress without the tag.
TEST_F(Transit, PacketsOfAVlanAreLeftAlone) {
    ASSERT_TRUE(start_with(policy_config("A"), policy_config("B")));
    if (!lab().ip("A", {"link", "add", "link", "to-S", "name", "tagged", "type", "vlan", "id", "7"}))
        GTEST_SKIP() << "this kernel has no VLANs";
    ASSERT_TRUE(lab().ip("S", {"link", "add", "link", "to-A", "name", "tagged", "type", "vlan", "id", "7"}));
    for (const auto* node : {"A", "S"}) {
        const auto address = std::string(*node == 'A' ? "fd00:77::1" : "fd00:77::2") + "/64";
        ASSERT_TRUE(lab().ip(node, {"addr", "add", address, "dev", "tagged", "nodad"}));
        ASSERT_TRUE(lab().ip(node, {"link", "set", "dev", "tagged", "up"}));
    }
    ASSERT_TRUE(
        lab().ip("S", {"neigh", "add", "fd00:77::1", "lladdr", lab().interface("A", "S-A").mac, "dev", "tagged"}));
    ASSERT_TRUE(
        lab().ip("S", {"route", "add", "2001:db8:d::/48", "via", "fd00:77::1", "dev", "tagged", "metric", "1"}));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 500}));
    ASSERT_TRUE(flows.pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    const auto sent = [&] {
        return json::parse(shell("S", "ip -j -s link show dev tagged"))
            .at(json::json_pointer("/0/stats64/tx/packets"))
            .get<std::uint64_t>();
    };
    const auto before = sent();
    EXPECT_TRUE(eventually([&] { return sent() > before + 100; }));
    EXPECT_EQ(taken("A", "far", 1), 0U);
}

// The bypass uses the present routes: when they leave the failed link, packets follow them.
TEST_F(Transit, ABypassEndsWhenRoutesChange) {
    ASSERT_TRUE(start_with(bypass_config("A"), bypass_config("B")));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_TRUE(flows->pass());
    const auto c_from_a = lab().peer("A", "A-C").link_local.to_string();
    const auto c_from_b = lab().peer("B", "C-B").link_local.to_string();
    EXPECT_EQ(shell("A", "ip route add 2001:db8:d::/48 via " + c_from_a + " dev to-C metric 10"), "");
    EXPECT_EQ(shell("B", "ip route add 2001:db8:5::/48 via " + c_from_b + " dev to-C metric 10"), "");
    EXPECT_TRUE(flows->pass(50));  // packets that were on the way
    const auto before = taken("A", "A-B bypass", 0) + taken("B", "A-B bypass", 0);
    EXPECT_TRUE(flows->pass());
    EXPECT_EQ(taken("A", "A-B bypass", 0) + taken("B", "A-B bypass", 0), before);
    EXPECT_TRUE(healed(flows->stop(), cut_ns));
}

}  // namespace
}  // namespace sidestep::topo
