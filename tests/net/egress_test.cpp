// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what only tc egress sees: packets that the kernel encapsulates by a route, and a router's own packets, around a
// link that fails silently.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class EgressRepair : public RepairLab {
  protected:
    void SetUp() override {
        // At clsact, the lab's cut would take the packets first; a link that is cut elsewhere does not.
        if (best_tc_kind() != TcKind::tcx) GTEST_SKIP() << "no tcx";
        RepairLab::SetUp();
    }
    // A's routes to D encapsulate towards B's SID.
    std::string segment_routes(const std::string& mode) {
        const auto encap = fmt::format("encap seg6 mode {} segs {} dev to-B metric 1", mode, decap("B").to_string());
        return shell("A",
                     fmt::format("ip -6 route add 2001:db8:d::/48 {0}; ip -4 route add 203.0.113.0/24 {0}", encap));
    }
};

TEST_F(EgressRepair, PacketsOfRoutesThatEncapsulateTakeTheBypass) {
    if (const auto refused = segment_routes("encap"); !refused.empty()) GTEST_SKIP() << "encap seg6: " << refused;
    ASSERT_TRUE(start_with(bypass_config("A"), bypass_config("B")));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    EXPECT_EQ(counter("A", "loop"), 0U);
}

TEST_F(EgressRepair, SoDoPacketsOfTheRouterItself) {
    ASSERT_TRUE(start_with(bypass_config("A"), base_config("B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "A", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.add_v4(lab(), "A", "D", {.rate = 1000}));
    survives_cut(std::move(flows));
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
}

// As "On a host" of docs/operations.md has it: no SIDs, the other uplink knows the way.
TEST_F(EgressRepair, AHostsPacketsTakeItsOtherUplink) {
    ASSERT_EQ(shell("C", fmt::format("ip -6 route add 2001:db8:d::/48 via {} dev {}",
                                     lab().peer("C", "C-B").link_local.to_string(), lab().interface("C", "C-B").name)),
              "");
    const auto config = with(base_config("A"), "wait-to-restore: 100ms}\n",
                             "wait-to-restore: 100ms}\n    bypass: [{adjacency: A-C}]\n");
    ASSERT_TRUE(start_with(with(config, "ingress: [to-S]\n", ""), base_config("B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "A", "D", {.rate = 1000}));
    survives_cut(std::move(flows));
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
}

TEST_F(EgressRepair, WithoutTheProgramTheyAreLost) {
    ASSERT_TRUE(start_with(bypass_config("A") + "egress: false\n", base_config("B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "A", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_FALSE(flows.pass());
    EXPECT_EQ(taken("A", "A-B bypass", 0), 0U);
}

}  // namespace
}  // namespace sidestep::topo
