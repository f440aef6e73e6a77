// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests failures that the kernel sees before the probes do: carrier lost, and the interface shut down. Probes are slow
// here.
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class LinkLoss : public RepairLab {
  protected:
    void fails_over(const std::string& node, const std::string& command) {
        auto flows = forward_flows();
        const auto before = now_ns();
        ASSERT_EQ(shell(node, command), "");
        EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(healed(flows.stop(), before));
    }
};

TEST_F(LinkLoss, CarrierLostUnderAPolicy) {
    ASSERT_TRUE(start_with(with_slow_probes(policy_config("A")), base_config("B")));
    fails_over("B", "ip link set dev to-A down");
}

TEST_F(LinkLoss, CarrierLostUnderABypass) {
    ASSERT_TRUE(start_with(with_slow_probes(bypass_config("A")), base_config("B")));
    fails_over("B", "ip link set dev to-A down");
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
}

TEST_F(LinkLoss, ShutDownUnderAPolicy) {
    ASSERT_TRUE(start_with(with_slow_probes(policy_config("A")), base_config("B")));
    fails_over("A", "ip link set dev to-B down");
    EXPECT_GT(taken("A", "far", 1), 0U);
}

TEST_F(LinkLoss, ShutDownUnderSteeringByTheDevice) {
    ASSERT_TRUE(start_with(with_slow_probes(steered_config("device")), base_config("B")));
    fails_over("A", "ip link set dev to-B down");
    EXPECT_GT(taken("A", "far", 1), 0U);
}

}  // namespace
}  // namespace sidestep::topo
