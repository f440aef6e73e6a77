// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests a detector that is killed, stopped or started again: the kernel clock goes on, failures are repaired, and
// nothing is forgotten. Also tests a clock whose packet gets lost.
#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bpf/abi/sidestep.h"
#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class Survival : public ProtectedLab {
  protected:
    std::uint64_t sent(const std::string& node) { return session(node).value("sent", std::uint64_t{0}); }
    std::uint64_t clock_restarts(const std::string& node) {
        return ask(node, "status").value(json::json_pointer("/clock/restarts"), std::uint64_t{0});
    }
    bool kernel_clock() { return ask("A", "status").value(json::json_pointer("/clock/kind"), "") == "kernel"; }
};

TEST_F(Survival, AKilledDetectorIsReplacedWithoutAFlap) {
    ASSERT_TRUE(start_both());
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (int i = 0; i < 2; ++i) {  // the second time, adopted state is adopted again
        const auto before = sent("A");
        ASSERT_TRUE(kill("A"));
        EXPECT_TRUE(flows->pass(500));  // a quarter of a second
        ASSERT_TRUE(start("A"));
        EXPECT_GE(sent("A"), before + 100) << "probing did not go on";
        EXPECT_NE(daemon("A").process().output().find("running state adopted"), std::string::npos);
        EXPECT_EQ(session("A").value("downs", -1), 0);
        EXPECT_EQ(ask("A", "events").value("events", json::array()).size(), 2U) << "those of the first start";
    }
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(lossless(flows->stop()));
    EXPECT_EQ(session("B").value("downs", -1), 0);
}

TEST_F(Survival, AFailureWithoutDetectorIsRepairedAndReportedLater) {
    ASSERT_TRUE(start_both());
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(kill("B"));
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(flows->pass(500));
    const auto restart_ns = now_ns();
    for (const auto* node : {"A", "B"}) {
        ASSERT_TRUE(launch(node, config(node)));
        EXPECT_TRUE(becomes(node, "down", "unanswered"));
        const auto down = event(node, "down");
        EXPECT_GE(down.value("time_ns", std::int64_t{0}), cut_ns);
        EXPECT_LT(down.value("time_ns", std::int64_t{0}), restart_ns);
        EXPECT_EQ(down.value("reason", ""), "unanswered");
    }
    EXPECT_TRUE(flows->pass());
    cut().restore();
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(takes(node, 0));
        EXPECT_EQ(session(node).value("downs", -1), 1);
    }
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(healed(flows->stop(), cut_ns));
}

TEST_F(Survival, AStoppedDetectorNeitherFlapsNorLosesTraffic) {
    ASSERT_TRUE(start_both());
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    daemon("A").process().signal(SIGSTOP);
    EXPECT_TRUE(flows->pass(4000));  // 2 s
    daemon("A").process().signal(SIGCONT);
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_EQ(session("B").value("downs", -1), 0);

    daemon("A").process().signal(SIGSTOP);
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(flows->pass());
    daemon("A").process().signal(SIGCONT);
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
    EXPECT_TRUE(healed(flows->stop(), cut_ns));
}

// A link goes and comes back, faster than its probes could tell, while nobody reads what the kernel tells.
TEST_F(Survival, OldNewsOfALinkTakesNothingDown) {
    // B needs a second or two after that to forward again, so the verdict by probes comes much later.
    ASSERT_TRUE(start("A", with(config("A"), "interval: 1ms, multiplier: 3", "interval: 250ms, multiplier: 32")));
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    const auto& far = lab().peer("A", "A-B").name;
    ASSERT_EQ(shell("B", fmt::format("sysctl -qw net.ipv6.conf.{}.keep_addr_on_down=1", far)), "");
    daemon("A").process().signal(SIGSTOP);
    ASSERT_EQ(shell("B", fmt::format("ip link set dev {0} down; ip link set dev {0} up", far)), "");
    EXPECT_FALSE(daemon("A").process().wait(2s));  // lets time pass
    daemon("A").process().signal(SIGCONT);
    EXPECT_EQ(session("A").value("downs", -1), 0);
    EXPECT_FALSE(wait_for(500ms, [&] { return session("A").value("state", "") != "up"; }));
}

TEST_F(Survival, TheProcessClockAccusesNobodyWhileItIsStopped) {
    ASSERT_TRUE(start("A", with(config("A"), "clock: auto", "clock: process")));
    for (int i = 0; i < 5; ++i) {
        const auto before = sent("A");
        daemon("A").process().signal(SIGSTOP);
        ASSERT_FALSE(daemon("A").process().wait(100ms));  // lets time pass
        daemon("A").process().signal(SIGCONT);
        EXPECT_TRUE(wait_for(kPatience, [&] { return sent("A") > before + 20; }));
    }
    EXPECT_EQ(session("A").value("downs", -1), 0);
}

TEST_F(Survival, ALostClockIsRestartedAndCounted) {
    ASSERT_TRUE(start("A"));
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    EXPECT_EQ(clock_restarts("A"), 0U);
    ASSERT_EQ(shell("A", "ip link set dev ss-clock0 down && ip link set dev ss-clock0 up"), "");
    EXPECT_TRUE(wait_for(kPatience, [&] { return clock_restarts("A") >= 1; }));
    auto before = sent("A");
    EXPECT_TRUE(wait_for(kPatience, [&] { return sent("A") > before + 100; }));

    ASSERT_EQ(shell("A", "ip link del dev ss-clock0"), "");
    EXPECT_TRUE(wait_for(kPatience, [&] { return clock_restarts("A") >= 2; }));
    before = sent("A");
    EXPECT_TRUE(wait_for(kPatience, [&] { return sent("A") > before + 100; }));
    EXPECT_EQ(session("A").value("downs", -1), 0);
    cut().cut();
    EXPECT_TRUE(becomes("A", "down", "unanswered"));
}

TEST_F(Survival, AnotherClockTakesOverFromADeadDetectorsClock) {
    ASSERT_TRUE(start("A"));
    if (!kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A", with(config("A"), "clock: auto", "clock: process")));
    EXPECT_EQ(shell("A", "ip -br link").find("ss-clock"), std::string::npos);
    EXPECT_EQ(session("A").value("downs", -1), 0);
    ASSERT_TRUE(kill("A"));
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(kernel_clock());
    EXPECT_EQ(session("A").value("downs", -1), 0);
}

// An upgrade to a version with other maps has nothing to adopt, but sessions that were down stay untrusted.
TEST_F(Survival, MapsOfAnotherLayoutAreReplaced) {
    ASSERT_TRUE(start("A"));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    ASSERT_TRUE(kill("A"));
    const auto pins = run_directory("A") + "/bpf/A";
    const auto layout = fmt::format("v{}", SS_ABI_VERSION);
    std::filesystem::rename(pins + "/" + layout, pins + "/v0");
    ASSERT_TRUE(launch("A", config("A")));
    EXPECT_TRUE(becomes("A", "up", "", "A-C"));
    EXPECT_EQ(session("A").value("state", ""), "down");
    EXPECT_TRUE(takes("A", 1));
    EXPECT_FALSE(std::filesystem::exists(pins + "/v0"));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
}

}  // namespace
}  // namespace sidestep::topo
