// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how the engine adopts what a predecessor left.
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST_F(EngineTest, ASuccessorAdoptsByNameAndEndsTheRest) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    const auto index = session("A-B").index;
    const auto other = session("A-C").index;
    restart();
    auto config = square();
    config.adjacencies.pop_back();
    config.policies[0].candidates = {over("A-B")};
    start(config);
    EXPECT_EQ(session("A-B").index, index);
    EXPECT_TRUE(session("A-B").adopted);
    EXPECT_EQ(maps_.sessions[other].conf.flags, 0U);
    EXPECT_EQ(session("A-B").fsm.downs, 1U);
}

TEST_F(EngineTest, AnAdoptedSessionIsJudgedByItsPresentLimits) {
    start();
    maps_.sessions[session("A-B").index].tx.quality = SS_SLOW;
    tell("A-B", SS_EVENT_ALIVE);
    engine_->reconcile(kNow);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::degraded);
    maps_.sessions[session("A-B").index].tx.quality = SS_GOOD;  // as the tick finds without a limit
    restart();
    start();
    engine_->reconcile(kNow);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_EQ(rank("A-B"), SS_UP);
}

TEST_F(EngineTest, AShorterWaitToRestoreEndsAWaitThatHasBegun) {
    auto config = square();
    config.adjacencies[0].probe.wait_to_restore = 300s;
    start(config);
    tell("A-B", SS_EVENT_DEAD);
    tell("A-B", SS_EVENT_ALIVE);
    EXPECT_EQ(engine_->next_timer(), kNow + 300s);
    config.adjacencies[0].probe.wait_to_restore = 5s;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(engine_->next_timer(), kNow + 5s);
    restart();
    config.adjacencies[0].probe.wait_to_restore = 1s;
    start(config);
    EXPECT_EQ(engine_->next_timer(), kNow + 1s);
    engine_->run_timers(kNow + 1s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
}

// Whoever has the old neighbor's MAC address would turn the probes around, and answer for the new one.
TEST_F(EngineTest, ASuccessorWithAnotherNeighborStartsAnew) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    restart();
    auto config = square();
    config.adjacencies[0].neighbor = address("fe80::b2");
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("to-B", kToB), kNow);
    engine_->on_link(link("to-C", kToC), kNow);
    engine_->on_links_known(kNow);
    EXPECT_FALSE(session("A-B").adopted);
    EXPECT_FALSE(session("A-B").neighbor_mac);
    EXPECT_EQ(conf("A-B").flags, 0U);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::init);
    EXPECT_EQ(session("A-B").fsm.downs, 0U);
    EXPECT_EQ(maps_.repair().active, 1U) << "it is not proven yet";
    EXPECT_TRUE(session("A-C").adopted);
    EXPECT_EQ(session("A-C").neighbor_mac, kNeighborMac);
}

TEST_F(EngineTest, ASuccessorOnAnotherInterfaceDoesNotUseTheMacOfThatOne) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    restart();
    auto config = square();
    config.adjacencies[0].interface = "to-B2";
    config.policies.clear();
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("to-B", kToB), kNow);
    engine_->on_link(link("to-B2", 9), kNow);
    engine_->on_link(link("to-C", kToC), kNow);
    asked_.clear();
    engine_->on_links_known(kNow);
    EXPECT_FALSE(session("A-B").neighbor_mac);
    EXPECT_EQ(conf("A-B").flags, 0U);
    EXPECT_EQ(session("A-C").neighbor_mac, kNeighborMac);
}

}  // namespace
}  // namespace sidestep
