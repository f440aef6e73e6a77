// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the same repair by another entry point: a route with `encap bpf in`, without a program at the ingress.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class RouteProgram : public ProtectedLab {};

TEST_F(RouteProgram, ReroutesPacketsThatNoIngressProgramSaw) {
    ASSERT_TRUE(start("A", with(config("A"), "ingress: [to-B, to-C, to-S]", "ingress: [to-B, to-C]")));
    ASSERT_TRUE(start("B"));
    EXPECT_TRUE(hooked("A", "to-B"));
    EXPECT_FALSE(hooked("A", "to-S"));
    const auto added = shell("A", fmt::format("ip -6 route add 2001:db8:d::/48 encap bpf in pinned {}/bpf/A/ss_lwt_in "
                                              "headroom 120 via {} dev to-B metric 1",
                                              run_directory("A"), lab().peer("A", "A-B").link_local.to_string()));
    ASSERT_EQ(added, "");
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    EXPECT_EQ(rerouted("A"), 0U);

    const auto cut_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(becomes("B", "down", "unanswered"));
    EXPECT_TRUE(flows->pass());
    EXPECT_GT(rerouted("A"), 0U);
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(becomes("B", "up"));
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(healed(flows->stop(), cut_ns));
}

}  // namespace
}  // namespace sidestep::topo
