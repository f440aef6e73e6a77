// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the routing feed on a router of a real FRR network: one of its links is cut and restored.
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/feed/routing_feed.hpp"
#include "tests/net/routing/frr_network.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class FrrFeed : public testing::Test {
  protected:
    FrrFeed() {
        config_.node = "r1";
        config_.source = Address::parse("fd00:0:1::1").value();
        config_.adjacencies.resize(2);
        config_.adjacencies[0].name = "r2";
        config_.adjacencies[1].name = "r4";
        config_.routing.emplace();
    }

    /// Runs the loop until the last set has these candidates for r2's locator: adjacency, and "push" if it has SIDs.
    bool await_candidates(const std::vector<std::string>& wanted, std::chrono::seconds patience) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            context_.restart();
            context_.run_for(20ms);
            if (candidates_ == wanted) return true;
            std::this_thread::sleep_for(1ms);
        }
        ADD_FAILURE() << fmt::format("{}", fmt::join(candidates_, ", ")) << feed_->status().dump(1);
        return false;
    }

    void take(const PolicySet& set) {
        candidates_.clear();
        for (const auto& policy : set.policies) {
            if (policy.name != "to-r2") continue;
            for (const auto& candidate : policy.candidates) {
                const auto& list = candidate.lists.at(0);
                candidates_.push_back(list.adjacency + (list.segments.empty() ? "" : " push"));
            }
        }
    }

    boost::asio::io_context context_;
    Config config_;
    std::vector<std::string> candidates_;
    std::unique_ptr<RoutingFeed> feed_;
};

//    r1 --- r2      all metrics 10
//     |     |
//    r4 --- r3
TEST_F(FrrFeed, HoldsRepairsOfACutLinkAndRestoresItWithoutLoops) {
    if (const auto reason = routing::FrrNetwork::missing(); !reason.empty()) GTEST_SKIP() << reason;
    routing::FrrNetwork network;
    const auto started = network.start(4, {{1, 2}, {2, 3}, {3, 4}, {4, 1}});
    ASSERT_TRUE(started) << started.error().message;
    config_.routing->vty_directory = network.socket_directory(1);
    feed_ = std::make_unique<RoutingFeed>(context_, config_, [this](const PolicySet& set) { take(set); });
    feed_->start();
    ASSERT_TRUE(await_candidates({"r2", "r4 push"}, 60s)) << "r4 would send packets for r2 back, half of them";

    ASSERT_TRUE(network.set_link(0, false));
    const auto cut = std::chrono::steady_clock::now();
    feed_->on_session("r2", false);
    while (feed_->status().at("convergence") != "holding" && std::chrono::steady_clock::now() < cut + 20s) {
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_EQ(feed_->status().at("convergence"), "holding");
    EXPECT_EQ(feed_->status().at("links"), 4) << "the repairs of the previous network";
    const auto held = std::chrono::steady_clock::now();
    ASSERT_TRUE(await_candidates({"r4"}, 20s));
    const auto followed = std::chrono::steady_clock::now();
    EXPECT_GE(followed - held, 1500ms);
    fmt::print("held {} ms after the cut, followed {} ms later\n", (held - cut) / 1ms, (followed - held) / 1ms);

    ASSERT_TRUE(network.set_link(0, true));
    ASSERT_TRUE(await_candidates({"r2 push", "r2", "r4 push"}, 60s));
    EXPECT_EQ(feed_->status().at("convergence"), "avoiding");
    ASSERT_TRUE(await_candidates({"r2", "r4 push"}, 20s));
    EXPECT_EQ(feed_->status().at("convergence"), "settled");
}

}  // namespace
}  // namespace sidestep
