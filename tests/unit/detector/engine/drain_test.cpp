// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the engine foresees before an adjacency is taken out of use, and rehearsed failures over restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Drain : public EngineTest {
  protected:
    [[nodiscard]] DrainPlan plan(const std::string& adjacency = "A-B") {
        return engine_->plan_drain(session(adjacency));
    }
    /// A route of the main table over A-B or A-C.
    void route(std::string_view prefix, std::string_view gateway = "fe80::b", int ifindex = kToB) {
        engine_->on_route(
            {.prefix = *Prefix::parse(prefix), .hops = {{.ifindex = ifindex, .gateway = address(gateway)}}}, kNow);
    }
    static Config bypassed() {
        auto config = square();
        config.adjacencies[0].bypass = {over("A-C", {address("fd00:c::")})};
        return config;
    }
};

TEST_F(Drain, PoliciesMoveToTheirOtherWay) {
    start();
    EXPECT_THAT(plan().moves, ElementsAre("to-D"));
    EXPECT_THAT(plan().stays, IsEmpty());
    EXPECT_THAT(plan("A-C").moves, IsEmpty()) << "it is only the backup";
    EXPECT_THAT(plan("A-C").stays, IsEmpty());
}

TEST_F(Drain, WhatIsOnlyObservedIsNotRerouted) {
    auto config = square();
    for (auto& adjacency : config.adjacencies) adjacency.mode = Mode::observe;
    start(config);
    tell("A-B", SS_EVENT_DEAD);
    const auto& policy = engine_->policies().all().front();
    EXPECT_EQ(engine_->policies().active(policy), 1) << "what packets would take";
    EXPECT_FALSE(engine_->policies().reroutes(policy));
    EXPECT_EQ(engine_->log().all().back().mode, Mode::observe);
    EXPECT_EQ(maps_.repair().active, 1U) << "packets are looked at, to be counted";
}

TEST_F(Drain, APolicyWithoutAnotherWayStays) {
    start();
    tell("A-C", SS_EVENT_DEAD);
    const auto stays = plan().stays;
    ASSERT_EQ(stays.size(), 1U);
    EXPECT_EQ(to_string(stays), "policy to-D (2001:db8:d::/48)");
    EXPECT_THAT(plan().moves, IsEmpty());
}

TEST_F(Drain, RoutesInNoPolicyStayWithoutABypass) {
    start();
    route("2001:db8:d::/48");    // the policy's own
    route("2001:db8:d:1::/64");  // by what the policy protects
    route("2001:db8:e::/48");
    route("2001:db8:f::/48", "fe80::c", kToC);
    const auto stays = plan().stays;
    ASSERT_EQ(stays.size(), 1U);
    EXPECT_EQ(to_string(stays), "1 route in no policy (2001:db8:e::/48)");
    EXPECT_EQ(to_string(plan("A-C").stays), "1 route in no policy (2001:db8:f::/48)");
}

TEST_F(Drain, ARouteThatHasItsPacketsToItselfStays) {
    auto config = square();
    config.policies[0].prefixes = {*Prefix::parse("::/0")};
    start(config);
    route("2001:db8:f::/48", "fe80::c", kToC);  // inside the policy, which protects A-B and leaves it alone
    EXPECT_EQ(to_string(plan("A-C").stays), "1 route in no policy (2001:db8:f::/48)");
}

TEST_F(Drain, ManyAreCountedAndAFewNamed) {
    start();
    for (int i = 0; i < 20; ++i) route("2001:db8:e:" + std::to_string(i) + "::/64");
    const auto stays = plan().stays;
    ASSERT_EQ(stays.size(), 1U);
    EXPECT_EQ(stays[0].count, 20U);
    EXPECT_EQ(stays[0].prefixes.size(), StayingTraffic::kShownPrefixes);
    EXPECT_THAT(to_string(stays), HasSubstr("20 routes in no policy (2001:db8:e::/64, "));
    EXPECT_THAT(to_string(stays), HasSubstr(", ...)"));
}

TEST_F(Drain, ABypassTakesWhatIsLeft) {
    start(bypassed());
    route("2001:db8:e::/48");
    EXPECT_THAT(plan().stays, IsEmpty());
    tell("A-C", SS_EVENT_DEAD);
    EXPECT_EQ(plan().stays.size(), 2U) << "the bypass is down, too: " << to_string(plan().stays);
}

TEST_F(Drain, ARehearsedFailureEndsInTime) {
    start();
    engine_->rehearse_failure(session("A-B"), kNow + 3s, kNow);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(engine_->next_timer(), kNow + 3s);
    engine_->run_timers(kNow + 3s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    tell("A-B", SS_EVENT_ALIVE);
    EXPECT_EQ(rank("A-B"), SS_UP);
}

TEST_F(Drain, ASuccessorEndsTheRehearsal) {
    start();
    engine_->rehearse_failure(session("A-B"), kNow + 3s, kNow);
    EXPECT_EQ(engine_->save().at("A-B").state, SessionState::down) << "for a successor that cannot adopt it";
    restart();
    ASSERT_TRUE(apply(square()));
    EXPECT_EQ(session("A-B").fsm.state, SessionState::admin_down);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::rehearsal);
    EXPECT_EQ(engine_->next_timer(), kNow + 3s);
    engine_->run_timers(kNow + 4s);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
}

}  // namespace
}  // namespace sidestep
