// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what a session counts as before its first answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class ColdStart : public EngineTest {
  protected:
    void begin(Start start) {
        auto config = square();
        for (auto& adjacency : config.adjacencies) adjacency.probe.start = start;
        ASSERT_TRUE(apply(config));
        engine_->on_link(link("to-B", kToB), kNow);
        engine_->on_link(link("to-C", kToC), kNow);
        engine_->on_links_known(kNow);
    }
    void know_neighbor(int ifindex, std::string_view neighbor) {
        engine_->on_neighbor(
            {.ifindex = ifindex, .address = address(neighbor), .status = NeighborStatus::usable, .mac = kNeighborMac},
            kNow);
    }
    [[nodiscard]] int active() { return engine_->policies().active(engine_->policies().all().front()); }
};

// The link to B may be dead already: nothing says that it is not.
TEST_F(ColdStart, WhatHasToBeProvenCountsAsDownUntilThen) {
    begin(Start::proven);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::init);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(active(), -1) << "packets go as the kernel sends them";
    resolve("A-C", kToC, "fe80::c");
    EXPECT_EQ(active(), 1);
    resolve("A-B", kToB, "fe80::b");
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up) << "at once: it has never failed";
    EXPECT_EQ(active(), 0);
    EXPECT_EQ(maps_.repair().active, 0U);
}

TEST_F(ColdStart, WhatNeverAnswersIsDownForThatReason) {
    begin(Start::proven);
    resolve("A-C", kToC, "fe80::c");
    auto now = kNow;
    for (int i = 0; i < 20; ++i) engine_->reconcile(now += 100ms);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::init) << "its neighbor is not resolved: it sends nothing";
    know_neighbor(kToB, "fe80::b");
    for (int i = 0; i < 20; ++i) engine_->reconcile(now += 100ms);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::unproven);
    EXPECT_EQ(active(), 1);
    tell("A-B", SS_EVENT_ALIVE);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up) << "wait-to-restore is 0 here";
}

TEST_F(ColdStart, WhatIsTrustedMovesNoTraffic) {
    begin(Start::trusted);
    resolve("A-C", kToC, "fe80::c");
    know_neighbor(kToB, "fe80::b");
    auto now = kNow;
    for (int i = 0; i < 50; ++i) engine_->reconcile(now += 100ms);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::init);
    EXPECT_EQ(active(), 0);
    EXPECT_EQ(maps_.repair().active, 0U);
}

// Its rank is what the file says now, not what it said when the session began.
TEST_F(ColdStart, AnotherStartCountsAtOnceAndForASuccessor) {
    begin(Start::trusted);
    auto config = square();
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(maps_.repair().active, 2U);
    for (auto& adjacency : config.adjacencies) adjacency.probe.start = Start::trusted;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_EQ(maps_.repair().active, 0U);
    restart();
    ASSERT_TRUE(apply(square()));
    EXPECT_TRUE(session("A-B").adopted);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(maps_.repair().active, 2U);
}

TEST_F(ColdStart, AnotherStartIsNothingToWhatWasProven) {
    start();
    auto config = square();
    for (auto& adjacency : config.adjacencies) adjacency.probe.start = Start::trusted;
    ASSERT_TRUE(apply(config));
    tell("A-B", SS_EVENT_DEAD);
    ASSERT_TRUE(apply(square()));
    EXPECT_EQ(rank("A-C"), SS_UP);
    for (auto& adjacency : config.adjacencies) adjacency.probe.multiplier = 4;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(rank("A-B"), SS_DOWN) << "it has failed";
}

// Some answers are none: it takes up-count in a row. Nothing else would report that.
TEST_F(ColdStart, WhatIsLongInInitIsAProblem) {
    begin(Start::trusted);
    know_neighbor(kToB, "fe80::b");
    maps_.sessions[session("A-B").index].rx.answered = 5;
    auto now = kNow;
    for (int i = 0; i < 50; ++i) engine_->reconcile(now += 100ms);
    const auto problems = engine_->problems();
    ASSERT_TRUE(problems.contains("session A-B"));
    EXPECT_THAT(problems.at("session A-B").text, testing::HasSubstr("loses probes"));
}

TEST_F(ColdStart, WhatNeverBeganHasNotFailed) {
    auto config = square();
    config.adjacencies[0].probe.damping.emplace();
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("to-B", kToB), kNow);
    engine_->on_links_known(kNow);
    know_neighbor(kToB, "fe80::b");
    auto now = kNow;
    for (int i = 0; i < 20; ++i) engine_->reconcile(now += 100ms);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::unproven);
    EXPECT_EQ(session("A-B").fsm.downs, 0U);
    EXPECT_EQ(session("A-B").fsm.damping.penalty, 0);
}

TEST_F(ColdStart, WhatWasUpAMomentAgoIsTrusted) {
    PlainMaps maps{map_sizes(square())};
    Engine engine(
        maps, {.resolve = [](int, const Address&) {}, .on_event = [](const LoggedEvent&) {}, .linkdown_ignored = {}},
        {{"A-B", {.state = SessionState::up, .reason = Reason::none}}});
    ASSERT_TRUE(engine.apply(desired_of(square()), kNow));
    EXPECT_EQ(maps.states[engine.sessions().find("A-B")->index].rank, SS_UP);
    EXPECT_EQ(maps.states[engine.sessions().find("A-C")->index].rank, SS_DOWN);
}

}  // namespace
}  // namespace sidestep
