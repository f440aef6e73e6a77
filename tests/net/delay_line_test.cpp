// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Slow links: what numbered packets and TCP take through them, and that nothing is lost or left. In the demo's topology:
//
//     S --- A ======= B --- D      A-B is slow
//            \       /
//             `- C -'
#include "topo/delay_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/net/tcp_stream.hpp"
#include "topo/lab.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr DelaySpec kSlow{.delay = 20ms};

class DelayLineTest : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
        auto lab = Lab::build_file(SIDESTEP_TOPOLOGIES "/demo.yaml");
        ASSERT_TRUE(lab) << lab.error().message;
        lab_.emplace(std::move(*lab));
        ASSERT_TRUE(lab_->wait_reachable("S", "D"));
        auto cut = lab_->install_cut("A-B");
        ASSERT_TRUE(cut) << cut.error().message;
        cut_.emplace(std::move(*cut));
    }

    /// From A to B, and begun.
    Result<DelayLine> slow(const DelaySpec& spec, Direction direction = Direction::forward) {
        auto line = DelayLine::install(*cut_, direction, spec);
        if (line) line->begin();
        return line;
    }
    /// Sends so many packets, waits for all of them, and reports; the shortest and longest time go to `took`.
    FlowReport send(const std::string& from, const std::string& to, std::uint64_t count) {
        auto traffic = lab_->start_traffic(from, to, {.rate = 2'000, .count = count});
        if (!traffic) {
            ADD_FAILURE() << traffic.error().message;
            return {};
        }
        EXPECT_TRUE(wait_for(20s, [&] { return traffic->arrived() >= count; }));
        auto report = traffic->stop(1s);
        shortest_ = Nanoseconds::max();
        for (const auto& arrival : traffic->arrivals()) {
            const auto took = Nanoseconds(arrival.received_ns - traffic->sent_times().at(arrival.number));
            shortest_ = std::min(shortest_, took);
        }
        return report;
    }
    std::string links_of_a() { return lab_->ip("A", {"link", "show"}).value_or(""); }

    std::optional<Lab> lab_;
    std::optional<Cut> cut_;
    Nanoseconds shortest_{};  // of the packets sent last
};

TEST_F(DelayLineTest, EveryPacketTakesTheDelayAndNoneIsLostOrOvertaken) {
    auto line = slow(kSlow);
    ASSERT_TRUE(line) << line.error().message;
    const auto report = send("S", "D", 2'000);
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_EQ(report.reordered, 0U);
    EXPECT_EQ(report.duplicates, 0U);
    // Arrivals are computed from two clocks, so some microseconds may be missing.
    EXPECT_GE(shortest_, kSlow.delay - 100us);
    const auto fate = line->stop();
    EXPECT_GE(fate.delivered, 2'000U);
    EXPECT_EQ(fate.dropped, 0U);
}

TEST_F(DelayLineTest, TheOtherDirectionIsAsFastAsBefore) {
    auto line = slow({.delay = 500ms});
    ASSERT_TRUE(line) << line.error().message;
    const auto report = send("D", "S", 500);
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_LT(shortest_, 100ms);
}

TEST_F(DelayLineTest, JitterKeepsTheOrderUnlessItMayNot) {
    for (const bool reorder : {false, true}) {
        auto line = slow({.delay = 20ms, .jitter = 5ms, .reorder = reorder});
        ASSERT_TRUE(line) << line.error().message;
        const auto report = send("S", "D", 1'000);
        EXPECT_THAT(report.lost, IsEmpty());
        EXPECT_GE(shortest_, 15ms - 100us);
        if (reorder) {
            EXPECT_GT(report.reordered, 100U);
        } else {
            EXPECT_EQ(report.reordered, 0U);
        }
    }
}

TEST_F(DelayLineTest, WhatIsUnderWayArrivesWhenItEnds) {
    auto traffic = lab_->start_traffic("S", "D", {.rate = 2'000});
    ASSERT_TRUE(traffic) << traffic.error().message;
    ASSERT_TRUE(wait_for(10s, [&] { return traffic->arrived() > 100; }));
    auto line = slow({.delay = 500ms});
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_THAT(links_of_a(), HasSubstr("lab-line"));
    const auto sent = traffic->sent();
    ASSERT_TRUE(wait_for(10s, [&] { return traffic->sent() > sent + 400; }));
    const auto fate = line->stop();
    EXPECT_GE(fate.delivered, 300U);
    EXPECT_THAT(links_of_a(), Not(HasSubstr("lab-line")));
    const auto arrived = traffic->arrived();
    ASSERT_TRUE(wait_for(10s, [&] { return traffic->arrived() > arrived + 200; }));
    const auto report = traffic->stop();
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_EQ(report.duplicates, 0U);
}

TEST_F(DelayLineTest, SegmentsAndChecksumsOfTcpAreFinished) {
    auto there = slow({.delay = 2ms});
    auto back = slow({.delay = 2ms}, Direction::backward);
    ASSERT_TRUE(there) << there.error().message;
    ASSERT_TRUE(back) << back.error().message;
    auto stream = TcpStream::start(lab_->netns("S"), lab_->netns("D"), lab_->address("S"), lab_->address("D"));
    ASSERT_TRUE(stream) << stream.error().message;
    EXPECT_TRUE(wait_for(20s, [&] { return stream->received() > 3'000'000; }));
    const auto finished = stream->finish();
    EXPECT_TRUE(finished) << finished.error().message;
    EXPECT_EQ(there->stop().dropped, 0U);
    EXPECT_EQ(back->stop().dropped, 0U);
}

TEST_F(DelayLineTest, PacketsPassOnceItsDeviceIsGone) {
    cut_->divert(Direction::forward, 4711);  // as after its owner was killed
    ASSERT_TRUE(lab_->wait_reachable("S", "D"));
    EXPECT_THAT(send("S", "D", 500).lost, IsEmpty());
}

TEST_F(DelayLineTest, ASlowLinkCanBeCut) {
    auto line = slow(kSlow);
    ASSERT_TRUE(line) << line.error().message;
    cut_->cut(Direction::forward);
    EXPECT_FALSE(lab_->ping("S", "D"));
    cut_->restore();
    EXPECT_TRUE(lab_->wait_reachable("S", "D"));
}

}  // namespace
}  // namespace sidestep::topo
