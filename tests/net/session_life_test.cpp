// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests sessions between up and down: degraded by loss, suppressed after flaps, taken down by the operator.
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class SessionLife : public RepairLab {
  protected:
    /// A's policy with additional settings for the probes of A-B.
    [[nodiscard]] std::string config(const std::string& settings) const {
        return with(policy_config("A"), "interval: 1ms", settings + ", interval: 1ms");
    }
    /// `sidestep session A-B up` or down.
    std::string command(const std::string& state) {
        const auto program = std::filesystem::path(*Daemon::executable()).parent_path() / "sidestep";
        return shell("A", fmt::format("{} --run-dir {} session A-B {}", program.string(), run_directory("A"), state));
    }
};

TEST_F(SessionLife, DegradedByLossAndSoundAgain) {
    ASSERT_TRUE(start("A", config("loss-limit: 4")));
    cut().thin(8);
    EXPECT_TRUE(becomes("A", "degraded", "lossy"));
    EXPECT_TRUE(takes("A", 1)) << "the detour is better";
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_GT(session("A").value("lost_of_64", 0), 4);
    cut().thin(0);
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(takes("A", 0));
}

TEST_F(SessionLife, ADegradedPathIsBetterThanNone) {
    ASSERT_TRUE(start_with(config("loss-limit: 4"), base_config("B")));
    auto other = lab().install_cut("A-C");
    ASSERT_TRUE(other) << other.error().message;
    cut().thin(8);
    EXPECT_TRUE(becomes("A", "degraded", "lossy"));
    EXPECT_TRUE(takes("A", 1));
    other->cut();
    EXPECT_TRUE(takes("A", 0));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    EXPECT_TRUE(flows.pass());
}

TEST_F(SessionLife, FlapsAreHeldDown) {
    ASSERT_TRUE(start("A", config("damping: {half-life: 1s, suppress: 1500, reuse: 1000, max-suppress: 4s}")));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_FALSE(session("A").value("suppressed", true));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(session("A").value("suppressed", false));
    EXPECT_GT(session("A").value("penalty", 0), 1000);
    cut().restore();
    // It has been answered long enough to come back, but is not trusted yet.
    const auto answered = session("A").value("answered", std::uint64_t{0});
    EXPECT_TRUE(eventually([&] { return session("A").value("answered", std::uint64_t{0}) > answered + 130; }));
    const auto seen = session("A");
    EXPECT_NE(seen.value("state", ""), "up") << seen.dump();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_FALSE(session("A").value("suppressed", true));
    EXPECT_LE(session("A").value("penalty", 5000), 1000);
}

TEST_F(SessionLife, TheOperatorTakesItDownAndUp) {
    ASSERT_TRUE(start_with(policy_config("A"), base_config("B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    ASSERT_TRUE(flows.pass());
    (void)command("down");
    EXPECT_TRUE(becomes("A", "admin-down"));
    EXPECT_TRUE(takes("A", 1));
    EXPECT_TRUE(flows.pass());
    EXPECT_GT(taken("A", "far", 1), 0U);
    const auto answered = session("A").value("answered", std::uint64_t{0});
    EXPECT_TRUE(eventually([&] { return session("A").value("answered", std::uint64_t{0}) > answered + 100; }));
    EXPECT_EQ(session("A").value("state", ""), "admin-down");
    (void)command("up");
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(takes("A", 0));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(lossless(flows.stop())) << "nothing was ever broken";
}

}  // namespace
}  // namespace sidestep::topo
