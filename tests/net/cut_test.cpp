// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests silent cuts under traffic: only unanswered probes tell sidestepd, the detour takes over, and the link comes
// back.
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class CutUnderSidestepd : public ProtectedLab {
  protected:
    /// Cuts the link under traffic and restores it; `start` must have been called.
    void cut_and_restore(Direction direction) {
        auto flows = Flows::start(lab());
        ASSERT_TRUE(flows) << flows.error().message;
        ASSERT_TRUE(flows->pass());
        EXPECT_EQ(rerouted("A") + rerouted("B"), 0U);  // untouched while all sessions are up

        const auto cut_ns = cut().cut(direction);
        for (const auto* node : {"A", "B"}) {
            EXPECT_TRUE(becomes(node, "down", "unanswered"));
            EXPECT_TRUE(takes(node, 1));
        }
        EXPECT_TRUE(flows->pass());
        EXPECT_GT(rerouted("A"), 0U);
        EXPECT_GT(rerouted("B"), 0U);

        cut().restore();
        for (const auto* node : {"A", "B"}) {
            EXPECT_TRUE(becomes(node, "up"));
            EXPECT_TRUE(takes(node, 0));
            EXPECT_EQ(event(node, "wait").value("reason", ""), "unanswered");
            const auto waited = event(node, "up").value("time_ns", std::int64_t{0}) -
                                event(node, "wait").value("time_ns", std::int64_t{0});
            EXPECT_GE(waited, 90'000'000) << "wait-to-restore is 100 ms";
        }
        const auto detour = rerouted("A");
        EXPECT_TRUE(flows->pass());
        EXPECT_EQ(rerouted("A"), detour);
        EXPECT_TRUE(healed(flows->stop(), cut_ns));
        EXPECT_EQ(session("A").value("downs", -1), 1);
        EXPECT_EQ(session("B").value("downs", -1), 1);
    }
};

TEST_F(CutUnderSidestepd, LosesNothingWhileAllSessionsAreUp) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    EXPECT_TRUE(flows->pass(2000));
    EXPECT_TRUE(lossless(flows->stop()));
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_EQ(session("B").value("downs", -1), 0);
}

TEST_F(CutUnderSidestepd, BothWays) {
    ASSERT_TRUE(start_both());
    cut_and_restore(Direction::both);
}

TEST_F(CutUnderSidestepd, OneWayTakesBothEndsOffTheLink) {
    ASSERT_TRUE(start_both());
    cut_and_restore(Direction::forward);
}

TEST_F(CutUnderSidestepd, WithTheProcessClock) {
    ASSERT_TRUE(start("A", with(config("A"), "clock: auto", "clock: process")));
    ASSERT_TRUE(start("B", with(config("B"), "clock: auto", "clock: process")));
    EXPECT_EQ(ask("A", "status").value(json::json_pointer("/clock/kind"), ""), "process");
    EXPECT_EQ(shell("A", "ip -br link show dev ss-clock0").find("ss-clock0@"), std::string::npos);
    cut_and_restore(Direction::both);
}

}  // namespace
}  // namespace sidestep::topo
