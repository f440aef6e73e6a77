// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// BFD with somebody behind a router: multihop (RFC 5883) with Sidestep, FRR's bfdd and BIRD, and S-BFD (RFC 7880) with
// Sidestep's reflector and a stranger's; over IPv6 and IPv4, routed and by a segment list.
//
//     A ======= B      A sends by C
//      \       /
//       `- C -'
#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "routing/core/sids.hpp"
#include "tests/net/bfd/frr_node.hpp"
#include "tests/net/protected_lab.hpp"
#include "tests/net/schemas.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr const char* kFarBird = "/usr/sbin/bird";
constexpr const char* kSession = "A-C-B";
constexpr auto kFarDetection = 900ms;  // 300 ms x 3

class RoutedLab : public ProtectedLab {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(ProtectedLab::SetUp());
        if (IsSkipped()) return;
        const auto next = [&](const std::string& from, const std::string& link) {
            return fmt::format("via inet6 {} dev {}", lab().peer(from, link).link_local.to_string(),
                               lab().interface(from, link).name);
        };
        for (const auto& [node, own, other, link] :
             {std::tuple{"A", "10.0.0.1", "10.0.0.2", "A-C"}, {"B", "10.0.0.2", "10.0.0.1", "C-B"}}) {
            ASSERT_EQ(shell(node, fmt::format("ip address add {0}/32 dev lo && ip route add {1}/32 {2} src {0}", own,
                                              other, next(node, link))),
                      "");
            ASSERT_EQ(shell("C", fmt::format("ip route add {}/32 {}", own, next("C", link))), "");
        }
        for (const auto* node : {"A", "B", "C"})
            shell(node, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0");
    }
    [[nodiscard]] std::string own(const std::string& node, bool v4) const {
        if (v4) return node == "A" ? "10.0.0.1" : "10.0.0.2";
        return lab().address(node).to_string();
    }
    /// Of B, which decapsulates there; the kernel's End.DT6 would not deliver to B itself.
    [[nodiscard]] Address decap() const { return lab().sid("B", 0x0046); }
    [[nodiscard]] std::string segments() const {
        return fmt::format(R"(segments: ["{}", "{}"], )", lab().sid("C", routing::kFunctionEnd).to_string(),
                           decap().to_string());
    }
    [[nodiscard]] std::string base(const std::string& node) const {
        if (node != "B") return config(node);
        return config(node) + fmt::format("\nsr-domain: [\"fd00::/16\"]\nsids: [{{sid: \"{}\", behavior: end.dt46}}]\n",
                                          decap().to_string());
    }
    [[nodiscard]] std::string path(const std::string& node, const std::string& rest) const {
        return base(node) + fmt::format("\npaths:\n  - {{name: {}, adjacency: {}, {}}}\n", kSession,
                                        node == "A" ? "A-C" : "C-B", rest);
    }
    testing::AssertionResult reload(const std::string& node, const std::string& text) {
        std::ofstream(run_directory(node) + "/" + node + ".yaml") << text;
        const auto answer = cli(node, "reload; echo code $?");
        return answer.ends_with("code 0\n") ? testing::AssertionSuccess() : testing::AssertionFailure() << answer;
    }
    json far(const std::string& node = "A") { return session(node, kSession); }
    json bfd() { return far().value("bfd", json::object()); }
    void cut_behind_c() {
        ASSERT_EQ(shell("C", fmt::format("ip link set dev {} down", lab().interface("C", "C-B").name)), "");
    }
    /// B's packets to A's IPv6 address, too.
    void send_back_by_c() {
        ASSERT_EQ(
            shell("B", fmt::format("ip route add {}/128 via {} dev {} metric 1", lab().address("A").to_string(),
                                   lab().peer("B", "C-B").link_local.to_string(), lab().interface("B", "C-B").name)),
            "");
    }
    testing::AssertionResult has_kernel_clock() {
        const auto kind = ask("A", "status").value("/clock/kind"_json_pointer, "");
        return kind == "kernel" ? testing::AssertionSuccess() : testing::AssertionFailure() << kind;
    }
};

// --- multihop

enum class FarEnd : std::uint8_t { sidestep, frr, bird };
struct FarCase {
    FarEnd end = FarEnd::sidestep;
    bool v4 = false;
    bool tunnel = false;
};

class MultihopBfd : public RoutedLab, public testing::WithParamInterface<FarCase> {
  protected:
    void SetUp() override {
        if (GetParam().end == FarEnd::frr && !FrrNode::missing().empty()) GTEST_SKIP() << FrrNode::missing();
        if (GetParam().end == FarEnd::bird && ::access(kFarBird, X_OK) != 0)
            GTEST_SKIP() << "BIRD (package bird2) is not installed";
        RoutedLab::SetUp();
    }
    void TearDown() override {
        if (HasFailure() && frr_) GTEST_LOG_(INFO) << frr_->log("bfdd");
        if (HasFailure() && bird_) GTEST_LOG_(INFO) << bird_->output();
        frr_.reset();
        bird_.reset();
        RoutedLab::TearDown();
    }
    [[nodiscard]] std::string here(const std::string& node) const { return own(node, GetParam().v4); }
    [[nodiscard]] std::string speaker(const std::string& node, const std::string& more = "") const {
        const bool tunnel = node == "A" && GetParam().tunnel;
        return path(node, fmt::format("{}bfd: {{peer: \"{}\", local-address: \"{}\", interval: 300ms, "
                                      "wait-to-restore: 100ms{}}}",
                                      tunnel ? segments() : "", here(node == "A" ? "B" : "A"), here(node), more));
    }
    testing::AssertionResult start_far() {
        if (GetParam().end == FarEnd::sidestep) return launch("B", speaker("B"));
        if (GetParam().tunnel) {
            if (auto started = start("B", base("B")); !started) return started;
        }
        return GetParam().end == FarEnd::frr ? start_frr() : start_bird();
    }
    testing::AssertionResult start_frr() {
        frr_ = std::make_unique<FrrNode>(lab(), "B", true);
        const auto peer = fmt::format(
            "debug bfd peer\nbfd\n peer {} multihop local-address {}\n  minimum-ttl 250\n  transmit-interval 300\n"
            "  receive-interval 300\n exit\nexit\n",
            here("A"), here("B"));
        for (const auto& [daemon, text] : {std::pair("zebra", std::string()), std::pair("bfdd", peer)}) {
            if (auto started = frr_->start(daemon, text); !started)
                return testing::AssertionFailure() << started.error().message;
        }
        return testing::AssertionSuccess();
    }
    testing::AssertionResult start_bird() {
        const auto base = lab().directory() + "/bird";
        std::ofstream(base + ".conf") << fmt::format(
            "router id 10.0.0.2;\nlog stderr all;\nprotocol device {{}}\nprotocol bfd {{\n  debug {{ events }};\n"
            "  multihop {{ interval 300 ms; multiplier 3; }};\n  neighbor {} local {} multihop yes;\n}}\n",
            here("A"), here("B"));
        auto bird = lab().spawn("B", {kFarBird, "-f", "-c", base + ".conf", "-s", base + ".ctl", "-P", base + ".pid"});
        if (!bird) return testing::AssertionFailure() << bird.error().message;
        bird_ = std::make_unique<Process>(std::move(*bird));
        return testing::AssertionSuccess();
    }
    std::size_t downs_there() {
        if (GetParam().end == FarEnd::sidestep) return far("B").value("downs", std::size_t{99});
        const auto log = frr_ ? frr_->log("bfdd") : bird_->output();
        const std::string what = frr_ ? "up -> down" : " from Up to ";
        std::size_t count = 0;
        for (auto at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++count;
        return count;
    }
    testing::AssertionResult becomes_up() {
        if (auto started = launch("A", speaker("A")); !started) return started;
        if (auto started = start_far(); !started) return started;
        if (auto up = becomes("A", "up", "", kSession); !up) return up << far().dump(2);
        const bool fast = wait_for(kPatience, [&] { return bfd().value("polling", true) == false; });
        return fast ? testing::AssertionSuccess() : testing::AssertionFailure() << "no final: " << bfd().dump(2);
    }

    std::unique_ptr<FrrNode> frr_;
    std::unique_ptr<Process> bird_;
};

std::string name_of_far(const testing::TestParamInfo<FarCase>& one) {
    const char* name = one.param.end == FarEnd::bird ? "Bird" : one.param.end == FarEnd::frr ? "Frr" : "Sidestep";
    return fmt::format("{}{}{}", name, one.param.v4 ? "Ipv4" : "Ipv6", one.param.tunnel ? "BySegments" : "");
}

INSTANTIATE_TEST_SUITE_P(With, MultihopBfd,
                         testing::Values(FarCase{FarEnd::sidestep, false, false},
                                         FarCase{FarEnd::sidestep, true, false}, FarCase{FarEnd::sidestep, false, true},
                                         FarCase{FarEnd::sidestep, true, true}, FarCase{FarEnd::frr, false, false},
                                         FarCase{FarEnd::frr, true, false}, FarCase{FarEnd::frr, true, true},
                                         FarCase{FarEnd::bird, false, false}, FarCase{FarEnd::bird, true, false}),
                         name_of_far);

TEST_P(MultihopBfd, ComesUpAndNoticesACutBehindTheNextRouter) {
    ASSERT_TRUE(becomes_up());
    EXPECT_EQ(far().value("kind", ""), "path");
    EXPECT_EQ(bfd().value("kind", ""), "multihop");
    EXPECT_EQ(bfd().value("refused", 1), 0);
    ASSERT_TRUE(wait_for(kPatience, [&] { return bfd().value("detection_us", 0.0) == 900'000.0; })) << bfd().dump(2);
    EXPECT_EQ(mismatches(line_to_validate("sessions", ask("A", "sessions")) +
                         line_to_validate("bfd-peers", ask("A", "bfd-peers"))),
              "");
    EXPECT_THAT(cli("A", "show bfd peers"),
                HasSubstr(fmt::format("peer {} multihop local-address {}", here("B"), here("A"))));
    ASSERT_NO_FATAL_FAILURE(cut_behind_c());
    ASSERT_TRUE(becomes("A", "down", "", kSession));
    EXPECT_EQ(session("A", "A-C").value("state", ""), "up") << "the first hop is fine";
}

TEST_P(MultihopBfd, TheOtherEndStaysUpWhileSidestepdIsKilledAndComesBack) {
    ASSERT_TRUE(becomes_up());
    if (!has_kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    const auto before = downs_there();
    ASSERT_TRUE(kill("A"));
    std::this_thread::sleep_for(2 * kFarDetection);
    ASSERT_TRUE(launch("A", speaker("A")));
    ASSERT_TRUE(becomes("A", "up", "", kSession));
    EXPECT_EQ(downs_there(), before);
    EXPECT_EQ(far().value("downs", 1), 0);
    ASSERT_TRUE(stop("A"));  // it says so
    EXPECT_TRUE(wait_for(kPatience, [&] { return downs_there() == before + 1; }));
}

// RFC 5082: what has passed more routers than expected does not count.
TEST_P(MultihopBfd, AHopLimitThatIsTooLowIsRefused) {
    ASSERT_NO_FATAL_FAILURE(send_back_by_c());
    ASSERT_TRUE(launch("A", speaker("A", ", minimum-ttl: 255")));
    ASSERT_TRUE(start_far());
    EXPECT_TRUE(wait_for(kPatience, [&] { return rejected("A", "bfd-hop-limit") > 1; }));
    EXPECT_EQ(far().value("answered", 1), 0);
    if (GetParam().end == FarEnd::bird) return;  // it sends with 64
    ASSERT_TRUE(reload("A", speaker("A", ", minimum-ttl: 254")));
    EXPECT_TRUE(becomes("A", "up", "", kSession));
}

// --- S-BFD

struct AskCase {
    bool v4 = false;
    bool tunnel = false;
};

class SeamlessBfd : public RoutedLab, public testing::WithParamInterface<AskCase> {
  protected:
    [[nodiscard]] std::string here(const std::string& node) const { return own(node, GetParam().v4); }
    [[nodiscard]] std::string initiator(const std::string& more = "", const std::string& before = "") const {
        return path("A", fmt::format("{}{}sbfd: {{reflector: \"{}\", discriminator: 7, local-address: \"{}\", "
                                     "interval: 20ms, multiplier: 5, wait-to-restore: 100ms{}}}",
                                     before, GetParam().tunnel ? segments() : "", here("B"), here("A"), more));
    }
    [[nodiscard]] std::string reflector(const std::string& more = "") const {
        return base("B") +
               fmt::format(
                   "\nsbfd: {{addresses: [\"{}\"], sources: [\"fd00::/8\", 10.0.0.0/8], discriminators: [7]{}}}\n",
                   here("B"), more);
    }
    std::uint64_t answered() { return ask("B", "status")["counters"].value("sbfd-answered", std::uint64_t{0}); }
    testing::AssertionResult becomes_up() {
        if (auto started = start("B", reflector()); !started) return started;
        if (auto started = launch("A", initiator()); !started) return started;
        if (auto up = becomes("A", "up", "", kSession); !up) return up << far().dump(2) << cli("A", "status");
        return testing::AssertionSuccess();
    }
};

INSTANTIATE_TEST_SUITE_P(Over, SeamlessBfd,
                         testing::Values(AskCase{false, false}, AskCase{true, false}, AskCase{false, true},
                                         AskCase{true, true}),
                         [](const auto& one) {
                             return fmt::format("{}{}", one.param.v4 ? "Ipv4" : "Ipv6",
                                                one.param.tunnel ? "BySegments" : "");
                         });

TEST_P(SeamlessBfd, APathIsUpWhileTheReflectorBehindItAnswers) {
    ASSERT_TRUE(becomes_up());
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("polling", true) == false; }));
    EXPECT_EQ(bfd().value("kind", ""), "s-bfd");
    EXPECT_EQ(bfd()["remote"].value("discriminator", 0), 7) << bfd();
    EXPECT_EQ(bfd().value("transmit_us", 0.0), 20'000.0);
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("detection_us", 0.0) == 100'000.0; })) << bfd();
    EXPECT_EQ(bfd().value("refused", 1), 0);
    EXPECT_EQ(mismatches(line_to_validate("sessions", ask("A", "sessions")) +
                         line_to_validate("bfd-peers", ask("A", "bfd-peers"))),
              "");
    ASSERT_NO_FATAL_FAILURE(cut_behind_c());
    EXPECT_TRUE(becomes("A", "down", "unanswered", kSession));
    EXPECT_EQ(session("A", "A-C").value("state", ""), "up") << "the first hop is fine";
}

TEST_P(SeamlessBfd, AReflectorThatIsAdministrativelyDownIsNotUp) {
    ASSERT_TRUE(becomes_up());
    ASSERT_TRUE(reload("B", reflector(", admin-down: true")));
    EXPECT_TRUE(becomes("A", "down", "", kSession));
    EXPECT_EQ(bfd()["remote"].value("state", ""), "shutdown");
    ASSERT_TRUE(reload("B", reflector()));
    EXPECT_TRUE(becomes("A", "up", "", kSession));
}

TEST_P(SeamlessBfd, TheKernelGoesOnAskingAndAReflectorMaySlowItDown) {
    ASSERT_TRUE(becomes_up());
    if (!has_kernel_clock()) GTEST_SKIP() << "this kernel has no kernel clock (veth, sch_tbf)";
    ASSERT_TRUE(kill("A"));
    const auto before = answered();
    EXPECT_TRUE(wait_for(kPatience, [&] { return answered() > before + 20; }));
    ASSERT_TRUE(launch("A", initiator()));
    ASSERT_TRUE(becomes("A", "up", "", kSession));
    EXPECT_EQ(far().value("downs", 1), 0);
    ASSERT_TRUE(reload("B", reflector(", receive-interval: 60ms")));
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("transmit_us", 0.0) == 60'000.0; })) << bfd();
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("detection_us", 0.0) == 300'000.0; })) << bfd();
    EXPECT_EQ(far().value("downs", 1), 0);
}

// Answers that come by another link than the one that is named do not count.
TEST_P(SeamlessBfd, TheWayBackCanBeFixed) {
    if (GetParam().v4) return;  // B has one way to A's IPv4 address
    const auto returns_on = fmt::format("returns-on: {}, ", lab().interface("A", "A-C").name);
    ASSERT_TRUE(start("B", reflector()));
    ASSERT_TRUE(launch("A", initiator("", returns_on)));
    EXPECT_TRUE(wait_for(kPatience, [&] { return rejected("A", "wrong-interface") > 1; }));
    EXPECT_NE(far().value("state", ""), "up");
    ASSERT_NO_FATAL_FAILURE(send_back_by_c());
    EXPECT_TRUE(becomes("A", "up", "", kSession));
}

TEST_P(SeamlessBfd, AsksAStranger) {
    if (GetParam().tunnel) {
        ASSERT_TRUE(start("B", base("B")));
    }
    auto stranger = lab().spawn("B", {"python3", SIDESTEP_NET_TESTS "/sbfd_reflector.py", here("B"), "7"});
    ASSERT_TRUE(stranger) << stranger.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return stranger->output() == "listens\n"; })) << stranger->output();
    ASSERT_TRUE(launch("A", initiator()));
    ASSERT_TRUE(becomes("A", "up", "", kSession)) << stranger->output();
    EXPECT_TRUE(wait_for(kPatience, [&] { return bfd().value("polling", true) == false; }));
    stranger->signal(SIGUSR1);
    EXPECT_TRUE(becomes("A", "down", "", kSession));
    stranger->signal(SIGUSR2);
    EXPECT_TRUE(becomes("A", "up", "", kSession));
    stranger->signal(SIGKILL);
    EXPECT_TRUE(becomes("A", "down", "unanswered", kSession));
    EXPECT_EQ(stranger->output(), "listens\n") << "it had something to complain of";
}

}  // namespace
}  // namespace sidestep::topo
