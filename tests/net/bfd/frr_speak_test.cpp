// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep speaks BFD for bfdd of FRR on A, with an ordinary bfdd of FRR on B.
//
//     A ======= B
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/bfd/bfd_lab.hpp"
#include "tests/net/schemas.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr auto kOneDetection = 900ms;  // of B: 300 ms x 3

class BfdForFrr : public BfdLab, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(BfdLab::SetUp());
        if (IsSkipped() || !is_v4()) return;
        for (const auto* node : {"A", "B"})
            shell(node, fmt::format("ip address add {}/24 dev {}", own(node), interface(node)));
    }
    void TearDown() override {
        if (HasFailure() && other_) GTEST_LOG_(INFO) << other_->log("bfdd");
        other_.reset();
        BfdLab::TearDown();
    }

    [[nodiscard]] static bool is_v4() { return GetParam(); }
    [[nodiscard]] std::string interface(const std::string& node) const { return lab().interface(node, "A-B").name; }
    [[nodiscard]] std::string own(const std::string& node) const {
        if (is_v4()) return node == "A" ? "10.9.0.1" : "10.9.0.2";
        return lab().interface(node, "A-B").link_local.to_string();
    }
    /// That `node` has with the other.
    [[nodiscard]] std::string peer(const std::string& node, const std::string& settings = "") const {
        return fmt::format(
            " peer {} local-address {} interface {}\n  transmit-interval 300\n  receive-interval 300\n{} exit\n",
            own(node == "A" ? "B" : "A"), own(node), interface(node), settings);
    }
    [[nodiscard]] std::string mode(const std::string& mode) {
        return config("A") + fmt::format("bfd: {{frr: \"unix:{}\", mode: {}}}\n", frr().dplane(), mode);
    }
    testing::AssertionResult start_other(const std::string& settings = "") {
        other_ = std::make_unique<FrrNode>(lab(), "B", true);
        for (const auto& [daemon, text] :
             {std::pair("zebra", std::string()),
              std::pair("bfdd", "debug bfd peer\nbfd\n" + peer("B", settings) + "exit\n")}) {
            if (auto started = other_->start(daemon, text); !started)
                return testing::AssertionFailure() << started.error().message;
        }
        return testing::AssertionSuccess();
    }
    void reconfigure(const std::string& text) {
        std::ofstream(run_directory("A") + "/A.yaml") << text;
        ASSERT_THAT(cli("A", "reload"), HasSubstr("mode"));
    }
    /// A command for the peer of `node`, at the bfdd there.
    void tell_bfdd(const std::string& node, const std::string& command) {
        const auto& which = node == "A" ? frr() : *other_;
        EXPECT_EQ(which.vtysh("bfdd", {"configure", "bfd",
                                       fmt::format("peer {} local-address {} interface {}",
                                                   own(node == "A" ? "B" : "A"), own(node), interface(node)),
                                       command}),
                  "");
    }
    static json only_peer(const FrrNode& frr) {
        const auto peers = frr.vtysh_json("bfdd", "show bfd peers json");
        return peers.is_array() && peers.size() == 1 ? peers[0] : json::object();
    }
    testing::AssertionResult other_says(const std::string& status) {
        const bool came = wait_for(kPatience, [&] { return only_peer(*other_).value("status", "") == status; });
        if (came) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "B: " << only_peer(*other_).dump(2);
    }
    [[nodiscard]] json answer() {
        const auto peers = ask("A", "bfd-peers").value("peers", json::array());
        return peers.empty() ? json::object() : peers[0];
    }
    testing::AssertionResult answers(bool by_bfd) {
        if (wait_for(kPatience, [&] { return answer().value("by_bfd", !by_bfd) == by_bfd; }))
            return testing::AssertionSuccess();
        return testing::AssertionFailure() << answer().dump(2);
    }
    [[nodiscard]] std::string made() const { return fmt::format("client/{}@{}", own("B"), interface("A")); }
    std::size_t flaps_there() const {
        const auto log = other_->log("bfdd");
        std::size_t count = 0;
        for (auto at = log.find("up -> down"); at != std::string::npos; at = log.find("up -> down", at + 1)) ++count;
        return count;
    }

    std::unique_ptr<FrrNode> other_;
};

INSTANTIATE_TEST_SUITE_P(Over, BfdForFrr, testing::Bool(), [](const auto& one) { return one.param ? "Ipv4" : "Ipv6"; });

TEST_P(BfdForFrr, BothEndsOfFrrSeeEachOther) {
    ASSERT_TRUE(start_bfdd(peer("A", "  detect-multiplier 4\n")));
    ASSERT_TRUE(launch("A", mode("bfd")));
    ASSERT_TRUE(start_other());
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    ASSERT_TRUE(other_says("up"));
    json here;
    EXPECT_TRUE(wait_for(kPatience, [&] {
        here = only_peer(frr());
        return here.value("remote-transmit-interval", 0) == 300;
    })) << here.dump(2);
    const auto there = only_peer(*other_);
    EXPECT_EQ(there.value("remote-id", 0ULL), here.value("id", 1ULL)) << "bfdd's discriminator is spoken";
    EXPECT_EQ(here.value("remote-id", 0ULL), there.value("id", 1ULL));
    EXPECT_EQ(there.value("remote-detect-multiplier", 0), 4);
    EXPECT_EQ(there.value("remote-receive-interval", 0), 300);
    EXPECT_EQ(answer().value("session", ""), made());
    EXPECT_THAT(sidestep("show bfd peers"), HasSubstr("made for it, by BFD"));
    EXPECT_EQ(mismatches(line_to_validate("bfd-peers", ask("A", "bfd-peers"))), "");
    cut().cut();
    ASSERT_TRUE(bfdd_says(own("B"), "down"));
    EXPECT_EQ(answer().value("diagnostic", ""), "control detection time expired");
    ASSERT_TRUE(other_says("down"));
    cut().restore();
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    EXPECT_TRUE(other_says("up"));
}

TEST_P(BfdForFrr, APassivePeerWaits) {
    ASSERT_TRUE(start_bfdd(peer("A", "  passive-mode\n")));
    ASSERT_TRUE(launch("A", mode("bfd")));
    ASSERT_TRUE(wait_for(kPatience, [&] { return !session("A", made()).empty(); }));
    ASSERT_TRUE(becomes("A", "up")) << "its neighbor is known";
    std::this_thread::sleep_for(2s);  // two packets' time
    EXPECT_EQ(session("A", made()).value("sent", 1ULL), 0U);
    ASSERT_TRUE(start_other());
    EXPECT_TRUE(bfdd_says(own("B"), "up"));
}

TEST_P(BfdForFrr, APeerThatIsShutDownSaysSo) {
    ASSERT_TRUE(start_bfdd(peer("A")));
    ASSERT_TRUE(launch("A", mode("bfd")));
    ASSERT_TRUE(start_other());
    ASSERT_TRUE(other_says("up"));
    tell_bfdd("A", "shutdown");
    ASSERT_TRUE(other_says("down"));
    EXPECT_EQ(session("A", made()).value("state", ""), "admin-down");
    EXPECT_EQ(only_peer(*other_).value("diagnostic", ""), "neighbor signaled session down")
        << only_peer(*other_).dump(2);
}

// FRR hears "up" once, and "down" only from what answers.
TEST_P(BfdForFrr, AutoFollowsWhatTheNeighborCanDo) {
    ASSERT_TRUE(start_bfdd(peer("A")));
    ASSERT_TRUE(launch("A", mode("auto")));
    if (!is_v4()) {
        ASSERT_TRUE(bfdd_says(own("B"), "up"));
        EXPECT_EQ(answer().value("session", ""), "A-B") << "it probes";
    }
    ASSERT_TRUE(start_other());
    ASSERT_TRUE(other_says("up"));
    ASSERT_TRUE(answers(true));
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    tell_bfdd("B", "shutdown");
    if (is_v4()) {
        ASSERT_TRUE(bfdd_says(own("B"), "shutdown")) << "nobody else answers, and it is no failure";
    } else {
        ASSERT_TRUE(answers(false));
        EXPECT_EQ(answer().value("session", ""), "A-B");
        ASSERT_TRUE(bfdd_says(own("B"), "up"));
    }
    EXPECT_EQ(flaps(), 0U);
    tell_bfdd("B", "no shutdown");
    ASSERT_TRUE(other_says("up"));
    ASSERT_TRUE(answers(true));
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    EXPECT_EQ(flaps(), 0U) << frr().log("bfdd");
    other_->kill("bfdd");
    ASSERT_TRUE(bfdd_says(own("B"), "down")) << "though it forwards";
    EXPECT_EQ(flaps(), 1U);
}

TEST_P(BfdForFrr, ANeighborWithoutBfdIsProbedUnlessBfdIsAsked) {
    ASSERT_TRUE(start_bfdd(peer("A")));
    ASSERT_TRUE(launch("A", mode("bfd")));
    ASSERT_TRUE(becomes("A", "down", "unproven", made()));
    ASSERT_TRUE(bfdd_says(own("B"), "down"));
    if (is_v4()) return;
    ASSERT_NO_FATAL_FAILURE(reconfigure(mode("probe")));
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    EXPECT_TRUE(session("A", made()).empty());
}

// Without systemd nobody keeps the socket, but the kernel goes on, and the next process adopts the session.
TEST_P(BfdForFrr, TheOtherEndDoesNotNoticeAReload) {
    ASSERT_TRUE(start_bfdd(peer("A")));
    ASSERT_TRUE(launch("A", mode("bfd")));
    ASSERT_TRUE(start_other());
    ASSERT_TRUE(other_says("up"));
    ASSERT_NO_FATAL_FAILURE(reconfigure(mode("auto")));
    ASSERT_TRUE(answers(true));
    frr().kill("bfdd");
    ASSERT_TRUE(
        wait_for(kPatience, [&] { return !ask("A", "bfd-peers").value("/bfdd/connected"_json_pointer, true); }));
    std::this_thread::sleep_for(2 * kOneDetection);
    ASSERT_TRUE(frr().start_again("bfdd"));
    ASSERT_TRUE(bfdd_says(own("B"), "up"));
    ASSERT_TRUE(answers(true));
    EXPECT_EQ(session("A", made()).value("downs", 1U), 0U);
    EXPECT_EQ(flaps_there(), 0U);
}

}  // namespace
}  // namespace sidestep::topo
