// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the feed with a topology file that changes, and with stand-ins for vtysh.
#include "detector/feed/routing_feed.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

constexpr auto kPatience = 10s;

class RoutingFeedTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "/sidestep-feed-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        config_.node = "A";
        config_.source = Address::parse("fd00:0:1::1").value();
        for (const auto* name : {"A-B", "A-C"}) {
            AdjacencyConfig adjacency;
            adjacency.name = name;
            config_.adjacencies.push_back(adjacency);
        }
        config_.routing.emplace();
        config_.routing->topology = directory_ / "network.yaml";
        config_.routing->hold = 300ms;
        times_.poll_file = 5ms;
        times_.poll_isis = 20ms;
        times_.hurry = 5ms;
        times_.backoff.initial_delay = 1ms;
        times_.backoff.short_delay = 1ms;
        times_.backoff.long_delay = 1ms;
    }
    void TearDown() override {
        feed_.reset();
        std::filesystem::remove_all(directory_);
    }

    /// A triangle A, B, C with these links; written to a second file that is then renamed, as one should.
    void write(const std::string& links) const {
        const std::string path = config_.routing->topology;
        std::ofstream(path + ".new") << "nodes:\n"
                                        "  - {name: A, locator: \"fd00:0:1::/48\"}\n"
                                        "  - {name: B, locator: \"fd00:0:2::/48\"}\n"
                                        "  - {name: C, locator: \"fd00:0:3::/48\"}\n"
                                        "links:\n"
                                     << links;
        std::filesystem::rename(path + ".new", path);
    }
    static constexpr auto kAll =
        "  - {id: A-B, ends: [A, B]}\n  - {id: A-C, ends: [A, C]}\n  - {id: B-C, ends: [B, C]}\n";
    static constexpr auto kWithoutAB = "  - {id: A-C, ends: [A, C]}\n  - {id: B-C, ends: [B, C]}\n";
    static constexpr auto kWithoutBC = "  - {id: A-B, ends: [A, B]}\n  - {id: A-C, ends: [A, C]}\n";

    void start() {
        feed_ = std::make_unique<RoutingFeed>(
            context_, config_, [this](const PolicySet& set) { sets_.push_back(set); }, times_);
        feed_->start();
    }
    /// Runs the loop until this holds; false if it never does.
    template <typename Condition>
    bool await(const Condition& condition) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            context_.restart();
            context_.run_for(2ms);
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }
    bool await_sets(std::size_t count) {
        return await([&] { return sets_.size() >= count; });
    }
    bool await_status(const std::string& key, const nlohmann::json& value) {
        return await([&] { return feed_->status().at(key) == value; });
    }
    [[nodiscard]] std::vector<std::string> first_adjacencies() const {
        std::vector<std::string> result;
        for (const auto& policy : sets_.back().policies) {
            const auto& list = policy.candidates.at(0).lists.at(0);
            result.push_back(fmt::format("{} {}{}", policy.name, list.adjacency, list.segments.empty() ? "" : " push"));
        }
        return result;
    }

    std::filesystem::path directory_;
    Config config_;
    RoutingFeedTimes times_;
    boost::asio::io_context context_;
    std::vector<PolicySet> sets_;
    std::unique_ptr<RoutingFeed> feed_;
};

TEST_F(RoutingFeedTest, DeliversWhatTheFileSays) {
    write(kAll);
    start();
    ASSERT_TRUE(await_sets(1));
    EXPECT_THAT(first_adjacencies(), testing::ElementsAre("to-B A-B", "to-C A-C"));
    EXPECT_THAT(sets_.back().bypasses, SizeIs(2));
    EXPECT_THAT(sets_.back().sids, SizeIs(4));
    const auto status = feed_->status();
    EXPECT_EQ(status.at("source"), "topology file " + config_.routing->topology);
    EXPECT_EQ(status.at("node"), "A");
    EXPECT_EQ(status.at("nodes"), 3);
    EXPECT_EQ(status.at("links"), 3);
    EXPECT_EQ(status.at("policies"), 2);
    EXPECT_EQ(status.at("deliveries"), 1);
    EXPECT_TRUE(status.at("problem").is_null());
    EXPECT_TRUE(status.at("refreshed_age_ms").is_number());
}

TEST_F(RoutingFeedTest, HoldsRepairsThenFollows) {
    config_.routing->hold = 1s;
    write(kAll);
    start();
    ASSERT_TRUE(await_sets(1));
    write(kWithoutAB);
    ASSERT_TRUE(await_status("convergence", "holding"));
    EXPECT_TRUE(feed_->status().at("hold_left_ms").is_number());
    EXPECT_EQ(feed_->status().at("links"), 3) << "in force";
    ASSERT_TRUE(await_sets(2));
    EXPECT_THAT(first_adjacencies(), testing::ElementsAre("to-B A-C", "to-C A-C"));
    EXPECT_EQ(feed_->status().at("links"), 2);
    ASSERT_TRUE(await_status("convergence", "settled"));
}

TEST_F(RoutingFeedTest, ANewLinkIsFirstUsedByMicroLoopAvoidance) {
    write(kWithoutAB);
    start();
    ASSERT_TRUE(await_sets(1));
    write(kAll);
    ASSERT_TRUE(await_sets(2));
    EXPECT_THAT(first_adjacencies(), testing::ElementsAre("to-B A-B push", "to-C A-C"));
    ASSERT_TRUE(await_sets(3));
    EXPECT_THAT(first_adjacencies(), testing::ElementsAre("to-B A-B", "to-C A-C"));
}

TEST_F(RoutingFeedTest, ABadFileIsNamedAndTheLastGoodOneStays) {
    write(kAll);
    start();
    ASSERT_TRUE(await_sets(1));
    std::ofstream(config_.routing->topology) << "nodes: 3\n";
    ASSERT_TRUE(await([&] { return !feed_->status().at("problem").is_null(); }));
    EXPECT_THAT(feed_->status().at("problem").get<std::string>(), HasSubstr("network.yaml:1"));
    std::filesystem::remove(config_.routing->topology);
    ASSERT_TRUE(await([&] {
        const auto problem = feed_->status().at("problem");
        return problem.is_string() && problem.get<std::string>().starts_with("cannot read");
    }));
    EXPECT_EQ(feed_->status().at("policies"), 2);
    EXPECT_THAT(sets_, SizeIs(1));
    write(kWithoutBC);
    ASSERT_TRUE(await_status("problem", nullptr));
    ASSERT_TRUE(await_status("links", 2));
}

TEST_F(RoutingFeedTest, ThisNodeMustBeInTheFile) {
    config_.routing->node = "Z";
    write(kAll);
    start();
    ASSERT_TRUE(await([&] { return !feed_->status().at("problem").is_null(); }));
    EXPECT_THAT(feed_->status().at("problem").get<std::string>(), HasSubstr("has no node Z"));
    EXPECT_THAT(sets_, SizeIs(0));
}

TEST_F(RoutingFeedTest, NothingIsDeliveredAfterTheEnd) {
    write(kAll);
    start();
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (feed_->status().at("deliveries") == 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(1ms);  // the loop does not run: the set waits in it
    }
    feed_.reset();
    EXPECT_EQ(context_.run_for(20ms), 1U);
    EXPECT_THAT(sets_, SizeIs(0));
}

class IsisFeedTest : public RoutingFeedTest {
  protected:
    void SetUp() override {
        RoutingFeedTest::SetUp();
        config_.node = "edge";
        config_.routing->topology.clear();
        config_.routing->vtysh = directory_ / "vtysh";
        config_.adjacencies[0].name = "r2";
        config_.adjacencies[1].name = "to-r4";
        config_.adjacencies[1].link = "r4";
    }
    void answer_with(const std::string& data) const {
        const auto path = config_.routing->vtysh;
        std::ofstream(path + ".new") << "#!/bin/sh\ncat " << SIDESTEP_SOURCE_DIR << "/tests/data/isis/" << data
                                     << ".txt\n";
        std::filesystem::permissions(path + ".new", std::filesystem::perms::owner_all);
        std::filesystem::rename(path + ".new", path);
    }
};

TEST_F(IsisFeedTest, FollowsTheDatabaseOfTheRouterBehindVtysh) {
    start();
    ASSERT_TRUE(await([&] { return !feed_->status().at("problem").is_null(); }));
    EXPECT_THAT(feed_->status().at("problem").get<std::string>(), HasSubstr("needs FRR's vtysh"));
    answer_with("ring");
    feed_->on_session("r2", false);
    ASSERT_TRUE(await_sets(1));
    EXPECT_EQ(feed_->status().at("source"), "IS-IS");
    EXPECT_EQ(feed_->status().at("node"), "r1");
    EXPECT_EQ(feed_->status().at("backoff"), "quiet") << "the first network is no change";
    EXPECT_EQ(feed_->status().at("links"), 5);
    EXPECT_TRUE(feed_->status().at("problem").is_null());
    EXPECT_THAT(sets_.back().warnings, Contains(HasSubstr("link r1-r2.2 of this node has no adjacency")));
    EXPECT_THAT(first_adjacencies(), Contains("to-r4 to-r4"));
    answer_with("after-cut");
    ASSERT_TRUE(await_status("links", 4));
    EXPECT_EQ(feed_->status().at("convergence"), "avoiding") << "r2-r3 is no link of r1";
    ASSERT_TRUE(await_status("convergence", "settled"));
}

}  // namespace
}  // namespace sidestep
