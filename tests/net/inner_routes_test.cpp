// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests a policy for all destinations: what is routed more specifically, elsewhere, stays as it is during a failure.
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class RoutesInsideAPolicy : public RepairLab {
  protected:
    [[nodiscard]] std::string config() const {
        return with(policy_config("A"), far_prefixes("A"), "[\"::/0\", 0.0.0.0/0]");
    }
};

// S's networks are behind another next hop of A: what B sends over the detour must go on to S.
TEST_F(RoutesInsideAPolicy, ByAnotherNextHopKeepTheirPackets) {
    ASSERT_TRUE(start_with(config(), policy_config("B")));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "far", 1), 0U);
}

// A network of C, inside D's.
TEST_F(RoutesInsideAPolicy, AreThePolicysOnlyIfItSaysSo) {
    const auto inner = *Address::parse("2001:db8:d:77::1");
    const auto c = lab().peer("A", "A-C").link_local.to_string();
    ASSERT_EQ(shell("C", "ip addr add 2001:db8:d:77::1/128 dev lo nodad"), "");
    ASSERT_EQ(shell("A", "ip route add 2001:db8:d:77::/64 via " + c + " dev to-C"), "");
    ASSERT_TRUE(start_with(config(), policy_config("B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "C", {.destination = inner, .rate = 500}));
    ASSERT_TRUE(flows.pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(flows.pass());
    EXPECT_EQ(taken("A", "far", 1), 0U);
    ASSERT_TRUE(stop("A"));
    cut().restore();
    ASSERT_TRUE(start("A", with(config(), "    candidates:", "    over-routes: true\n    candidates:")));
    cut().cut();
    EXPECT_TRUE(eventually([&] { return taken("A", "far", 1) > 50; }));
}

}  // namespace
}  // namespace sidestep::topo
