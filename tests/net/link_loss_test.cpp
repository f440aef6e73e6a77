// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests failures that the kernel sees before the probes do: carrier lost, and the interface shut down. Probes are slow
// here.
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class LinkLoss : public RepairLab {
  protected:
    [[nodiscard]] static std::string slow(const std::string& config) {
        return with(config, "interval: 1ms, multiplier: 3", "interval: 50ms, multiplier: 20");
    }
    /// Flows from S to D in both families.
    Flows forward() {
        Flows flows;
        EXPECT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
        EXPECT_TRUE(flows.add_v4(lab(), "S", "D", {.rate = 1000}));
        EXPECT_TRUE(flows.pass());
        return flows;
    }
    void fails_over(const std::string& node, const std::string& command) {
        auto flows = forward();
        const auto before = now_ns();
        ASSERT_EQ(shell(node, command), "");
        EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(healed(flows.stop(), before));
    }
};

TEST_F(LinkLoss, CarrierLostUnderAPolicy) {
    ASSERT_TRUE(start_with(slow(policy_config("A")), base_config("B")));
    fails_over("B", "ip link set dev to-A down");
}

TEST_F(LinkLoss, CarrierLostUnderABypass) {
    ASSERT_TRUE(start_with(slow(bypass_config("A")), base_config("B")));
    fails_over("B", "ip link set dev to-A down");
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
}

TEST_F(LinkLoss, ShutDownUnderAPolicy) {
    ASSERT_TRUE(start_with(slow(policy_config("A")), base_config("B")));
    fails_over("A", "ip link set dev to-B down");
    EXPECT_GT(taken("A", "far", 1), 0U);
}

TEST_F(LinkLoss, ShutDownUnderSteeringByTheDevice) {
    ASSERT_TRUE(start_with(slow(steered_config("device")), base_config("B")));
    fails_over("A", "ip link set dev to-B down");
    EXPECT_GT(taken("A", "far", 1), 0U);
}

}  // namespace
}  // namespace sidestep::topo
