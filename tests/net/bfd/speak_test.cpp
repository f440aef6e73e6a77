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
    const char* signature = "";  ///< its type in the configuration; empty: none
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
            "  - {{name: A-B, interface: {}, neighbor: \"{}\", bfd: {{peer: \"{}\"{}{}}}}}\n",
            node, lab().address(node).to_string(), interface(node), lab().peer(node, "A-B").link_local.to_string(),
            own(other), more, signature(node));
    }
    [[nodiscard]] std::string key_file(const std::string& node) const { return lab().directory() + "/keys-" + node; }
    [[nodiscard]] std::string signature(const std::string& node) const {
        const std::string type = GetParam().signature;
        return type.empty() ? "" : fmt::format(", authentication: {{type: {}, keys: {}}}", type, key_file(node));
    }
    void write_keys(const std::string& node, const std::string& text) {
        std::ofstream(key_file(node)) << text;
        std::filesystem::permissions(key_file(node),
                                     std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
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
            "  interface \"{}\" {{ interval 300 ms; multiplier 3; {}}};\n  neighbor {} dev \"{}\" local {};\n}}\n",
            interface("B"), bird_signature(), own("A"), interface("B"), own("B"));
        auto bird = lab().spawn("B", {kBird, "-f", "-c", base + ".conf", "-s", base + ".ctl", "-P", base + ".pid"});
        if (!bird) return testing::AssertionFailure() << bird.error().message;
        bird_ = std::make_unique<Process>(std::move(*bird));
        return testing::AssertionSuccess();
    }
    static std::string bird_signature() {
        const std::string type = GetParam().signature;
        if (type.empty()) return "";
        return fmt::format("authentication {}; password \"hush-hush\" {{ id 7; }}; ",
                           type == "keyed-sha1" ? "keyed sha1" : "meticulous keyed sha1");
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
    const std::string signature = one.param.signature;
    const char* kind = signature == "keyed-sha1" ? "Keyed" : "Meticulous";
    return fmt::format("{}{}{}", name, one.param.v4 ? "Ipv4" : "Ipv6", signature.empty() ? "" : kind);
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

// FRR's `shutdown`, or a drain there: whoever says so does not watch the link any more (docs/bfd.md).
TEST_P(BfdSpeaker, TheNeighborsAdministrativelyDownMovesTraffic) {
    if (GetParam().other == Other::bird) GTEST_SKIP() << "BIRD has no command for it";
    ASSERT_TRUE(becomes_up());
    const std::vector<std::string> peer{
        "configure", "bfd", fmt::format("peer {} local-address {} interface {}", own("A"), own("B"), interface("B"))};
    const auto tell = [&](const std::string& what) {
        if (!frr_) return cli("B", what == "shutdown" ? "drain A-B --force" : "undrain A-B");
        auto commands = peer;
        commands.push_back(what);
        return frr_->vtysh("bfdd", commands);
    };
    tell("shutdown");
    ASSERT_TRUE(becomes("A", "down"));
    EXPECT_EQ(bfd().value("/remote/state"_json_pointer, ""), "shutdown");
    EXPECT_EQ(bfd().value("diagnostic", ""), "neighbor signaled session down");
    tell("no shutdown");
    EXPECT_TRUE(becomes("A", "up"));
}

TEST_P(BfdSpeaker, OwnSessionsArePrintedAsFrrWould) {
    ASSERT_TRUE(becomes_up());
    const auto answer = ask("A", "bfd-peers");
    EXPECT_EQ(mismatches(line_to_validate("bfd-peers", answer)), "");
    EXPECT_TRUE(answer.at("bfdd").is_null());
    const auto show = [&](const std::string& form) { return cli("A", "show bfd peers " + form); };
    const auto peers = json::parse(show("json"), nullptr, false);
    ASSERT_TRUE(peers.is_array() && peers.size() == 1) << show("json");
    const auto& peer = peers[0];
    EXPECT_EQ(peer.value("peer", ""), own("B"));
    EXPECT_EQ(peer.value("local", ""), own("A"));
    EXPECT_EQ(peer.value("status", ""), "up");
    EXPECT_EQ(peer.value("id", 0U), bfd().value("discriminator", 1U));
    EXPECT_EQ(peer.value("remote-id", 0U), bfd().value("/remote/discriminator"_json_pointer, 1U));
    EXPECT_EQ(peer.value("transmit-interval", 0), 300);
    EXPECT_EQ(peer.value("remote-detect-multiplier", 0), 3);
    EXPECT_THAT(show(""), HasSubstr("Answered by: session A-B, by BFD"));
    EXPECT_THAT(show("brief"), HasSubstr("Session count: 1\n"));
    EXPECT_THAT(show("counters"), HasSubstr("Session up events: 1\n"));
    if (!frr_) return;
    const auto theirs = frr_->vtysh_json("bfdd", "show bfd peers json").at(0);
    for (const auto& [key, unused] : theirs.items()) {
        EXPECT_TRUE(key == "type" || peer.contains(key)) << "FRR has " << key;
    }
}

class BfdSigned : public BfdSpeaker {};

INSTANTIATE_TEST_SUITE_P(With, BfdSigned,
                         testing::Values(Case{Other::sidestep, false, "meticulous-keyed-sha1"},
                                         Case{Other::sidestep, true, "keyed-sha1"},
                                         Case{Other::bird, false, "meticulous-keyed-sha1"},
                                         Case{Other::bird, true, "keyed-sha1"}),
                         name_of_case);

TEST_P(BfdSigned, ComesUpWithTheSameKeyAndNoticesACut) {
    for (const auto* node : {"A", "B"}) write_keys(node, "7 hush-hush\n");
    ASSERT_TRUE(becomes_up());
    std::this_thread::sleep_for(2 * kDetection);
    EXPECT_EQ(session("A").value("downs", 1), 0);
    EXPECT_EQ(bfd().value("refused", 1), 0);
    EXPECT_EQ(downs_there(), 0U);
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
}

TEST_P(BfdSigned, AWrongKeyIsRefusedAndCountedAndARightOneIsTakenByAReload) {
    write_keys("A", "7 something-else\n");
    write_keys("B", "7 hush-hush\n");
    ASSERT_TRUE(launch("A", speaker("A")));
    ASSERT_TRUE(start_other());
    EXPECT_TRUE(wait_for(kPatience, [&] {
        return ask("A", "status").value("/rejected_probes/bfd-authentication"_json_pointer, 0) > 1;
    }));
    EXPECT_NE(session("A").value("state", ""), "up");
    EXPECT_EQ(session("A").value("answered", 1), 0);
    write_keys("A", "1 something-else\n7 hush-hush\n");
    EXPECT_THAT(cli("A", "reload"), HasSubstr("authentication: other keys"));
    if (GetParam().other == Other::bird) {  // it takes its own key alone
        write_keys("A", "7 hush-hush\n");
        cli("A", "reload");
    } else {
        write_keys("B", "7 hush-hush\n1 something-else\n");
        cli("B", "reload");
    }
    EXPECT_TRUE(becomes("A", "up"));
    for (const auto* command : {"status", "sessions", "bfd-peers"})
        EXPECT_THAT(ask("A", command).dump(), testing::Not(HasSubstr("hush-hush")));
}

TEST_P(BfdSigned, TheOtherEndStaysUpWhileSidestepdIsKilled) {
    for (const auto* node : {"A", "B"}) write_keys(node, "7 hush-hush\n");
    ASSERT_TRUE(becomes_up());
    if (ask("A", "status").value("/clock/kind"_json_pointer, "") != "kernel")
        GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    ASSERT_TRUE(kill("A"));
    std::this_thread::sleep_for(2 * kDetection);
    ASSERT_TRUE(launch("A", speaker("A")));
    ASSERT_TRUE(becomes("A", "up"));
    EXPECT_EQ(downs_there(), 0U);
    EXPECT_EQ(session("A").value("downs", 1), 0);
}

}  // namespace
}  // namespace sidestep::topo
