// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests `mode: observe` with a real cut: nothing is moved, and operators see what would have been.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class Observing : public ProtectedLab {
  protected:
    [[nodiscard]] std::string observing(const std::string& node) const { return "mode: observe\n" + config(node); }
    /// Packets that would have left by the backup of the node's policy.
    std::uint64_t would_repair(const std::string& node) {
        return ask(node, "policies")
            .value(json::json_pointer("/policies/0/candidates/1/drops/observed"), std::uint64_t{0});
    }
};

TEST_F(Observing, ACutMovesNothingAndCountsWhatItWouldMove) {
    ASSERT_TRUE(start("A", observing("A")));
    ASSERT_TRUE(start("B", observing("B")));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    EXPECT_EQ(would_repair("A"), 0U);

    cut().cut();
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(becomes(node, "down", "unanswered"));
        EXPECT_TRUE(wait_for(kPatience, [&] { return would_repair(node) > 100; })) << node;
        EXPECT_EQ(rerouted(node), 0U);
        EXPECT_EQ(event(node, "down").value("mode", ""), "observe");
        EXPECT_EQ(ask(node, "status").value("rerouting", -1), 0);
        EXPECT_THAT(daemon(node).process().output(),
                    testing::HasSubstr("mode observe: packets are counted, not moved"));
    }
    EXPECT_THAT(cli("A", "why " + lab().address("D").to_string()), testing::HasSubstr("would take"));

    cut().restore();
    for (const auto* node : {"A", "B"}) EXPECT_TRUE(becomes(node, "up"));
    EXPECT_TRUE(flows->pass());
    for (const auto& report : flows->stop()) {
        ASSERT_EQ(report.windows.size(), 1U) << "lost from the cut on";
        EXPECT_GT(report.windows.front().lost, 100U);
    }
}

TEST_F(Observing, AReloadTurnsItIntoRepair) {
    ASSERT_TRUE(start("A", observing("A")));
    ASSERT_TRUE(start("B"));
    EXPECT_THAT(cli("A", "drain A-B"), testing::HasSubstr("mode: observe"));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    cut().cut();
    ASSERT_TRUE(wait_for(kPatience, [&] { return would_repair("A") > 0; }));
    std::ofstream(run_directory("A") + "/A.yaml") << config("A");
    EXPECT_THAT(cli("A", "reload"), testing::HasSubstr("mode: observe -> repair"));
    EXPECT_TRUE(flows->pass()) << "by the detour";
    EXPECT_GT(rerouted("A"), 0U);
}

}  // namespace
}  // namespace sidestep::topo
