// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the steps of the engine from one desired state to the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(EngineTest, WithoutAChangeNothingIsWritten) {
    start();
    const auto before = maps_.snapshot();
    const auto plan = apply(square());
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->empty());
    EXPECT_EQ(maps_.snapshot(), before);
}

TEST_F(EngineTest, AnUnchangedSessionKeepsItsCounters) {
    start();
    maps_.sessions[session("A-B").index].tx.sequence = 1000;
    maps_.sessions[session("A-B").index].rx.answered = 999;
    auto config = square();
    config.adjacencies[1].probe.interval = 10ms;
    config.adjacencies.push_back(adjacency("A-E", "to-E", "fe80::e"));
    const auto plan = apply(config);
    ASSERT_TRUE(plan);
    EXPECT_THAT(describe(*plan), ElementsAre("session A-C changed: interval: 1 ms -> 10 ms", "session A-E added",
                                             "ingress to-E added: at tc"));
    EXPECT_EQ(maps_.sessions[session("A-B").index].tx.sequence, 1000U);
    EXPECT_EQ(maps_.sessions[session("A-B").index].rx.answered, 999U);
    EXPECT_EQ(conf("A-C").interval_ns, 10'000'000U);
    EXPECT_EQ(session("A-E").fsm.state, SessionState::down) << "its interface does not exist";
    EXPECT_EQ(maps_.plans[maps_.clock_conf().plan].classes, 2U);
}

TEST_F(EngineTest, AChangeDuringARepairKeepsTheRepair) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(engine_->policies().active(engine_->policies().all().front()), 1);
    auto config = square();
    config.policies.push_back(policy("to-E", "2001:db8:e::/48"));
    config.adjacencies[0].probe.multiplier = 5;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    EXPECT_EQ(maps_.repair().active, 1U);
    for (const auto& one : engine_->policies().all()) EXPECT_EQ(engine_->policies().active(one), 1);
}

TEST_F(EngineTest, ARenamedSessionKeepsItsState) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    const auto index = session("A-B").index;
    auto config = square();
    config.adjacencies[0].name = "uplink";
    config.policies[0].candidates[0] = over("uplink");
    const auto plan = apply(config);
    ASSERT_TRUE(plan);
    EXPECT_THAT(describe(*plan).front(), HasSubstr("session A-B renamed to uplink, its state is kept"));
    EXPECT_EQ(session("uplink").index, index);
    EXPECT_EQ(session("uplink").fsm.state, SessionState::down);
    EXPECT_STREQ(static_cast<const char*>(conf("uplink").saved.name), "uplink");
    EXPECT_EQ(engine_->sessions().find("A-B"), nullptr);
}

TEST_F(EngineTest, ANewNeighborStartsFresh) {
    start();
    tell("A-B", SS_EVENT_DEAD);
    auto config = square();
    config.adjacencies[0].neighbor = address("fe80::b2");
    const auto plan = apply(config);
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->sessions.front().starts_anew);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::init);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(maps_.repair().active, 1U);
    EXPECT_EQ(conf("A-B").flags, 0U) << "silent until the new neighbor is resolved";
    EXPECT_FALSE(session("A-B").neighbor_mac);
}

TEST_F(EngineTest, TheIndexOfASessionThatStartsFreshStaysItsOwn) {
    start();
    auto config = square();
    config.adjacencies[0].neighbor = address("fe80::bb");
    ASSERT_TRUE(apply(config));
    config.adjacencies.push_back(adjacency("A-E", "to-E", "fe80::e"));
    ASSERT_TRUE(apply(config));
    EXPECT_NE(session("A-E").index, session("A-B").index);
}

TEST_F(EngineTest, SessionsAreFoundByTheirLinksAndNeighbors) {
    start();
    auto config = square();
    for (const char* name : {"second", "third"}) config.adjacencies.push_back(adjacency(name, "to-B", "fe80::b"));
    config.adjacencies.back().neighbor = address("fe80::bb");
    ASSERT_TRUE(apply(config));
    const auto names = [](const std::vector<Session*>& found) {
        std::vector<std::string> result;
        for (const auto* one : found) result.push_back(one->config.name);
        return result;
    };
    auto& sessions = engine_->sessions();
    EXPECT_THAT(names(sessions.at_link("to-B", 0)), ElementsAre("A-B", "second", "third")) << "by its name";
    EXPECT_THAT(names(sessions.at_link("", kToB)), ElementsAre("A-B", "second", "third")) << "by its number";
    EXPECT_THAT(names(sessions.at_link("to-B", kToC)), ElementsAre("A-B", "A-C", "second", "third"));
    EXPECT_THAT(names(sessions.at_neighbor(kToB, address("fe80::b"))), ElementsAre("A-B", "second"));
    sessions.set_ifindex(session("second"), 99);
    EXPECT_THAT(names(sessions.at_link("", 99)), ElementsAre("second"));
    EXPECT_THAT(names(sessions.at_neighbor(kToB, address("fe80::b"))), ElementsAre("A-B"));
    sessions.remove(session("second"));
    EXPECT_THAT(names(sessions.at_link("", 99)), testing::IsEmpty());
    EXPECT_THAT(names(sessions.at_link("to-B", kToB)), ElementsAre("A-B", "third"));
}

TEST_F(EngineTest, ARemovedSessionStopsAndItsIndexIsReused) {
    start();
    const auto index = session("A-C").index;
    auto config = square();
    config.adjacencies.pop_back();
    config.policies[0].candidates = {over("A-B")};
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(maps_.sessions[index].conf.flags, 0U);
    EXPECT_EQ(maps_.sessions[index].conf.saved.name[0], '\0');
    ASSERT_TRUE(apply(square()));
    EXPECT_EQ(session("A-C").index, index);
    EXPECT_EQ(session("A-C").ifindex, kToC) << "links that rtnetlink reported before are known";
}

TEST_F(EngineTest, TooManySessionsChangeNothing) {
    start();
    auto config = square();
    for (int i = 0; i < SS_MAX_SESSIONS; ++i) {
        config.adjacencies.push_back(adjacency("x" + std::to_string(i), "x" + std::to_string(i), "fe80::1"));
    }
    const auto before = maps_.snapshot();
    const auto refused = apply(config);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("4098 sessions requested; the limit is 4096"));
    EXPECT_EQ(maps_.snapshot(), before);
}

TEST_F(EngineTest, PoliciesThatDoNotFitChangeNoSession) {
    start();
    auto config = square();
    config.adjacencies.push_back(adjacency("A-E", "to-E", "fe80::e"));
    for (int i = 0; i < 2000; ++i) config.policies.push_back(policy("p" + std::to_string(i), "2001:db8:1::/48"));
    const auto index = session("A-B").index;
    EXPECT_FALSE(apply(config));
    EXPECT_EQ(engine_->sessions().find("A-E"), nullptr);
    EXPECT_EQ(session("A-B").index, index);
    EXPECT_EQ(engine_->policies().all().size(), 1U);
    EXPECT_TRUE(apply(square())->empty());
}

TEST_F(EngineTest, AClientsSessionIsProbedAndTouchesNoPolicy) {
    start();
    const auto bank = maps_.node().bank;
    SessionConfig client;
    client.name = "client/x";
    client.interface = client.returns_on = "to-B";
    client.neighbor = address("fe80::b");
    client.probe.return_address = address("fd00:ab::a");
    const auto base = desired_of(square());
    ASSERT_TRUE(engine_->apply(with_clients(base, {client}), kNow));
    resolve("client/x", kToB, "fe80::b");
    EXPECT_EQ(session("client/x").fsm.state, SessionState::up);
    tell("client/x", SS_EVENT_DEAD);
    EXPECT_EQ(rank("client/x"), SS_DOWN);
    EXPECT_EQ(maps_.repair().active, 0U) << "it protects nothing";
    const auto index = session("client/x").index;
    ASSERT_TRUE(engine_->apply(base, kNow));
    EXPECT_EQ(maps_.sessions[index].conf.flags, 0U);
    EXPECT_EQ(maps_.node().bank, bank) << "the policies were not written again";
}

TEST_F(EngineTest, AComputedSetReplacesAnotherAndTheFileWins) {
    auto config = square();
    config.routing.emplace();
    PlainMaps maps(map_sizes(config));
    Engine engine(
        maps, {.resolve = [](int, const Address&) {}, .on_event = [](const LoggedEvent&) {}, .linkdown_ignored = {}});
    ASSERT_TRUE(engine.apply(desired_of(config), kNow));
    PolicySet computed;
    computed.policies = {policy("to-B", "2001:db8:b::/48"), policy("to-D", "2001:db8:d::/48")};
    computed.bypasses["A-B"] = {over("A-C", {address("fd00:c::")})};
    ASSERT_TRUE(engine.apply(desired_of(config, computed), kNow));
    std::vector<std::string> names;
    for (const auto& one : engine.policies().all()) names.push_back(key_of(one));
    EXPECT_THAT(names, ElementsAre("to-D", "to-B computed", "A-B bypass"));
    config.adjacencies.pop_back();
    config.policies[0].candidates = {over("A-B")};
    const auto plan = engine.apply(desired_of(config, computed), kNow);
    ASSERT_TRUE(plan);
    names.clear();
    for (const auto& one : engine.policies().all()) names.push_back(key_of(one));
    EXPECT_THAT(names, ElementsAre("to-D", "to-B computed")) << "the paths over A-C are gone";
}

}  // namespace
}  // namespace sidestep
