// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep speaks BFD itself: with another Sidestep, with FRR's bfdd and with BIRD, over IPv6 and IPv4.
//
//     A ======= B      A runs sidestepd; B, each of the three in turn
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/net/bfd/frr_node.hpp"
#include "tests/net/protected_lab.hpp"
#include "tests/net/schemas.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr const char* kBird = "/usr/sbin/bird";
constexpr auto kDetection = 900ms;  // 300 ms x 3: a daemon in user space needs it on a busy machine
constexpr auto kLate = 200ms;       // the machine runs other tests

enum class Other : std::uint8_t { sidestep, frr, bird };
struct Case {
    Other other = Other::sidestep;
    bool v4 = false;
};

class BfdSpeaker : public ProtectedLab, public testing::WithParamInterface<Case> {
  protected:
    void SetUp() override {
        if (GetParam().other == Other::frr && !FrrNode::missing().empty()) GTEST_SKIP() << FrrNode::missing();
        if (GetParam().other == Other::bird && ::access(kBird, X_OK) != 0)
            GTEST_SKIP() << "BIRD (package bird2) is not installed";
        ASSERT_NO_FATAL_FAILURE(ProtectedLab::SetUp());
        if (!GetParam().v4) return;
        for (const auto* node : {"A", "B"})
            shell(node, fmt::format("ip address add {}/24 dev {}", own(node), interface(node)));
    }
    void TearDown() override {
        if (HasFailure() && frr_) GTEST_LOG_(INFO) << frr_->log("bfdd");
        if (HasFailure() && bird_) GTEST_LOG_(INFO) << bird_->output();
        frr_.reset();
        bird_.reset();
        ProtectedLab::TearDown();
    }

    [[nodiscard]] std::string interface(const std::string& node) const { return lab().interface(node, "A-B").name; }
    [[nodiscard]] std::string own(const std::string& node) const {
        if (GetParam().v4) return node == "A" ? "10.9.0.1" : "10.9.0.2";
        return lab().interface(node, "A-B").link_local.to_string();
    }
    [[nodiscard]] std::string speaker(const std::string& node, const std::string& more = "") const {
        const std::string other = node == "A" ? "B" : "A";
        return fmt::format(
            "node: {{name: {}, source-address: \"{}\"}}\n"
            "probe: {{interval: 300ms, wait-to-restore: 100ms}}\nadjacencies:\n"
            "  - {{name: A-B, interface: {}, neighbor: \"{}\", bfd: {{peer: \"{}\"{}}}}}\n",
            node, lab().address(node).to_string(), interface(node), lab().peer(node, "A-B").link_local.to_string(),
            own(other), more);
    }

    testing::AssertionResult start_other() {
        if (GetParam().other == Other::sidestep) return launch("B", speaker("B"));
        return GetParam().other == Other::frr ? start_frr() : start_bird();
    }
    testing::AssertionResult start_frr() {
        frr_ = std::make_unique<FrrNode>(lab(), "B", true);
        const auto peer = fmt::format(
            "debug bfd peer\nbfd\n peer {} local-address {} interface {}\n  transmit-interval 300\n"
            "  receive-interval 300\n exit\nexit\n",
            own("A"), own("B"), interface("B"));
        for (const auto& [daemon, config] : {std::pair("zebra", std::string()), std::pair("bfdd", peer)}) {
            if (auto started = frr_->start(daemon, config); !started)
                return testing::AssertionFailure() << started.error().message;
        }
        return testing::AssertionSuccess();
    }
    testing::AssertionResult start_bird() {
        const auto base = lab().directory() + "/bird";
        std::ofstream(base + ".conf") << fmt::format(
            "router id 10.0.0.2;\nlog stderr all;\nprotocol device {{}}\nprotocol bfd {{\n  debug {{ events }};\n"
            "  interface \"{}\" {{ interval 300 ms; multiplier 3; }};\n  neighbor {} dev \"{}\" local {};\n}}\n",
            interface("B"), own("A"), interface("B"), own("B"));
        auto bird = lab().spawn("B", {kBird, "-f", "-c", base + ".conf", "-s", base + ".ctl", "-P", base + ".pid"});
        if (!bird) return testing::AssertionFailure() << bird.error().message;
        bird_ = std::make_unique<Process>(std::move(*bird));
        return testing::AssertionSuccess();
    }
    /// How often the other end has seen the session go down.
    std::size_t downs_there() {
        if (GetParam().other == Other::sidestep) return session("B").value("downs", std::size_t{99});
        const auto log = frr_ ? frr_->log("bfdd") : bird_->output();
        const std::string what = frr_ ? "up -> down" : " from Up to ";
        std::size_t count = 0;
        for (auto at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++count;
        return count;
    }
    testing::AssertionResult becomes_up() {
        if (auto started = launch("A", speaker("A")); !started) return started;
        if (auto started = start_other(); !started) return started;
        if (auto up = becomes("A", "up"); !up) return up << session("A").dump(2);
        const bool fast = wait_for(kPatience, [&] { return bfd().value("polling", true) == false; });
        return fast ? testing::AssertionSuccess() : testing::AssertionFailure() << "no final: " << bfd().dump(2);
    }
    json bfd() { return session("A").value("bfd", json::object()); }

    std::unique_ptr<FrrNode> frr_;
    std::unique_ptr<Process> bird_;
};

std::string name_of_case(const testing::TestParamInfo<Case>& one) {
    const char* name = one.param.other == Other::bird ? "Bird" : "Sidestep";
    if (one.param.other == Other::frr) name = "Frr";
    return fmt::format("{}{}", name, one.param.v4 ? "Ipv4" : "Ipv6");
}

INSTANTIATE_TEST_SUITE_P(With, BfdSpeaker,
                         testing::Values(Case{Other::sidestep, false}, Case{Other::sidestep, true},
                                         Case{Other::frr, false}, Case{Other::frr, true}, Case{Other::bird, false},
                                         Case{Other::bird, true}),
                         name_of_case);

TEST_P(BfdSpeaker, ComesUpAndNoticesASilentCutInTime) {
    ASSERT_TRUE(becomes_up());
    EXPECT_EQ(bfd().value("state", ""), "up");
    EXPECT_EQ(bfd().value("transmit_us", 0.0), 300'000.0);
    ASSERT_TRUE(wait_for(kPatience, [&] { return bfd().value("detection_us", 0.0) == 900'000.0; })) << bfd().dump(2);
    const auto cut_ns = cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    const auto took = std::chrono::nanoseconds(event("A", "down").value("time_ns", std::int64_t{0}) - cut_ns);
    EXPECT_LE(took, kDetection + kLate);
    EXPECT_GE(took, kDetection - 310ms);
    ASSERT_TRUE(wait_for(kPatience, [&] { return bfd().value("diagnostic", "") == "control detection time expired"; }));
    cut().restore();
    ASSERT_TRUE(becomes("A", "up"));
    EXPECT_EQ(session("A").value("downs", 0), 1);
    EXPECT_EQ(
        mismatches(line_to_validate("sessions", ask("A", "sessions")) + line_to_validate("status", ask("A", "status"))),
        "");
}

TEST_P(BfdSpeaker, TheOtherEndStaysUpWhileSidestepdIsKilledAndComesBack) {
    ASSERT_TRUE(becomes_up());
    if (ask("A", "status").value("/clock/kind"_json_pointer, "") != "kernel")
        GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    const auto before = downs_there();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(kill("A"));
        std::this_thread::sleep_for(2 * kDetection);
        ASSERT_TRUE(launch("A", speaker("A")));
        ASSERT_TRUE(becomes("A", "up"));
    }
    EXPECT_EQ(downs_there(), before);
    EXPECT_EQ(session("A").value("downs", 1), 0);
}

TEST_P(BfdSpeaker, NegotiatesNewTimersWithoutAFlap) {
    ASSERT_TRUE(becomes_up());
    const auto before = downs_there();
    std::ofstream(run_directory("A") + "/A.yaml")
        << speaker("A", ", interval: 500ms, receive-interval: 200ms, multiplier: 5");
    EXPECT_THAT(cli("A", "reload"), HasSubstr("interval: 300 ms -> 500 ms"));
    ASSERT_TRUE(wait_for(kPatience, [&] { return bfd().value("transmit_us", 0.0) == 500'000.0; })) << bfd().dump(2);
    EXPECT_EQ(downs_there(), before);
    EXPECT_EQ(session("A").value("downs", 1), 0);
}

TEST_P(BfdSpeaker, TheOperatorsDownIsSaidToTheOtherEnd) {
    ASSERT_TRUE(becomes_up());
    cli("A", "drain A-B --force");
    ASSERT_TRUE(becomes("A", "admin-down"));
    EXPECT_EQ(bfd().value("state", ""), "shutdown");
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("/remote/state"_json_pointer, "") == "down"; }));
    cli("A", "undrain A-B");
    EXPECT_TRUE(becomes("A", "up"));
}

}  // namespace
}  // namespace sidestep::topo
