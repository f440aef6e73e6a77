// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a start without any saved state costs a flow from S to D, with each value of `start`. Decision 0009 has the
// figures that this prints.
#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "routing/core/sids.hpp"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class ColdStart : public ProtectedLab, public testing::WithParamInterface<const char*> {
  protected:
    [[nodiscard]] static bool proven() { return std::string_view(GetParam()) == "proven"; }
    [[nodiscard]] std::string config() const {
        const auto settings = fmt::format("probe: {{start: {}, ", GetParam());
        auto text = with(ProtectedLab::config("A"), "probe: {interval", "PROBE: {interval");
        text = with(text, "probe: {", settings);
        return with(text, "PROBE: {", settings);
    }
    [[nodiscard]] Flows flow() const {
        Flows flows;
        EXPECT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
        return flows;
    }
    /// Waits until `status` says that A-B was never proven.
    bool alarmed() {
        return wait_for(kPatience, [&] {
            return ask("A", "status").value("problems", json::array()).dump().find("session A-B") != std::string::npos;
        });
    }
    static void say(const char* what, const FlowReport& report) {
        std::cout << fmt::format("{}, start: {}: {} of {} packets lost\n", what, GetParam(), report.lost.size(),
                                 report.sent);
    }
};

TEST_P(ColdStart, WhereAllIsWellLosesNothing) {
    auto flows = flow();
    ASSERT_TRUE(flows.pass());
    ASSERT_TRUE(start("A", config()));
    EXPECT_TRUE(flows.pass());
    const auto reports = flows.stop();
    say("all is well", reports.front());
    EXPECT_TRUE(lossless(reports));
}

TEST_P(ColdStart, OnADeadLink) {
    cut().cut();
    auto flows = flow();
    ASSERT_TRUE(launch("A", config()));
    if (proven()) {
        EXPECT_TRUE(takes("A", 1));
        EXPECT_TRUE(flows.pass());
        EXPECT_TRUE(becomes("A", "down", "unproven"));
    }
    EXPECT_TRUE(becomes("A", "up", "", "A-C"));
    EXPECT_TRUE(alarmed());
    const auto reports = flows.stop();
    say("the first choice is dead", reports.front());
    if (proven()) return;
    EXPECT_EQ(session("A").value("state", ""), "init");
    EXPECT_EQ(reports.front().received, 0U) << "nothing says that the link is dead";
}

// Data passes and probes do not come back: a mistake in the file.
TEST_P(ColdStart, WithAnAddressThatNoProbeReturnsTo) {
    auto flows = flow();
    ASSERT_TRUE(flows.pass());
    const auto own = lab().interface("A", "A-B").address.to_string();
    const auto theirs = lab().peer("A", "A-B").address.to_string();
    ASSERT_TRUE(launch("A", with(config(), "return-address: \"" + own, "return-address: \"" + theirs)));
    EXPECT_TRUE(takes("A", proven() ? 1 : 0));
    EXPECT_TRUE(alarmed());
    EXPECT_TRUE(flows.pass());
    const auto reports = flows.stop();
    say("its probes do not return", reports.front());
    EXPECT_TRUE(lossless(reports));
}

// B does not decapsulate yet. Between the first proof of A-C and that of A-B, the backup looks better.
TEST_P(ColdStart, BesideABackupThatIsNotReady) {
    const auto route = lab().sid("B", routing::kFunctionDecap).to_string() + "/128";
    shell("B", "ip -6 route del " + route);
    auto flows = flow();
    ASSERT_TRUE(flows.pass());
    const auto start_ns = now_ns();
    ASSERT_TRUE(start("A", config()));
    EXPECT_TRUE(flows.pass());
    const auto reports = flows.stop();
    say("the backup is not ready", reports.front());
    EXPECT_TRUE(proven() ? healed(reports, start_ns) : lossless(reports));
}

INSTANTIATE_TEST_SUITE_P(Start, ColdStart, testing::Values("trusted", "proven"),
                         [](const auto& start) { return std::string(start.param); });

}  // namespace
}  // namespace sidestep::topo
