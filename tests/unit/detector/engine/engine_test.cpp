// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests how the engine follows links and neighbors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(EngineTest, SessionsProbeOnceTheirLinksAreKnown) {
    start();
    EXPECT_EQ(conf("A-B").flags, SS_SESSION_ACTIVE);
    EXPECT_EQ(conf("A-B").ifindex, static_cast<unsigned>(kToB));
    EXPECT_EQ(session("A-B").fsm.state, SessionState::up);
    EXPECT_THAT(asked_, ElementsAre(kToB, kToC));
}

// A host on the link is the neighbor if it has the neighbor's MAC address, whatever is known of it later.
TEST_F(EngineTest, AddressesOfTheNeighborAreToldFromHostsOnItsLink) {
    constexpr MacAddress kHost{2, 0, 0, 0, 0, 0x77};
    start();
    resolve_host("fd00:ab::b", kNeighborMac);
    resolve_host("10.0.1.2", kNeighborMac);
    resolve_host("fd00:ab::77", kHost);
    EXPECT_TRUE(is_neighbors("fe80::b"));
    EXPECT_TRUE(is_neighbors("fd00:ab::b"));
    EXPECT_TRUE(is_neighbors("10.0.1.2"));
    EXPECT_FALSE(is_neighbors("fd00:ab::77"));
    engine_->on_neighbor(
        {.ifindex = kToB, .address = address("fd00:ab::b"), .status = NeighborStatus::failed, .mac = {}}, kNow);
    engine_->on_link(link("to-B", kToB, false), kNow);
    engine_->settle();
    EXPECT_TRUE(is_neighbors("fd00:ab::b"));
    resolve_host("10.0.1.2", kHost);
    EXPECT_FALSE(is_neighbors("10.0.1.2")) << "it has moved to another host";
}

TEST_F(EngineTest, NoMoreAddressesOfANeighborThanThereIsRoomFor) {
    start();
    for (unsigned i = 0; i < 10'000; ++i) resolve_host("fd00:ab::" + std::to_string(i), kNeighborMac);
    EXPECT_LE(maps_.adjacencies.size(), map_sizes(square()).adjacencies / 2);
    EXPECT_TRUE(is_neighbors("fe80::b"));
}

// Probes go past this node's own IP: they are answered all the same.
TEST_F(EngineTest, WithoutIpv6OnItsInterfaceASessionIsDown) {
    start();
    auto off = link("to-B", kToB);
    off.ip_off = true;
    engine_->on_link(off, kNow);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::ip_off);
    tell("A-B", SS_EVENT_ALIVE);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    engine_->on_link(off, kNow);
    EXPECT_EQ(session("A-B").fsm.downs, 1U);
    engine_->on_link(link("to-B", kToB), kNow);
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_EQ(rank("A-C"), SS_UP);
}

class PathAndPassive : public EngineTest {
  protected:
    PathAndPassive() {
        auto config = square();
        PathConfig path;
        path.name = "A-C-B";
        path.adjacency = "A-C";
        path.segments = {address("fd00:c::")};
        path.returns_on = "to-R";
        path.probe.interval = 10ms;
        config.paths = {path};
        PassiveConfig passive;
        passive.name = "from-B";
        passive.interface = "to-B";
        passive.source = address("fd00:b::1");
        config.passives = {passive};
        EXPECT_TRUE(apply(config));
        engine_->on_link(link("to-B", kToB), kNow);
        engine_->on_link(link("to-C", kToC), kNow);
        engine_->on_link(link("to-R", kToR), kNow);
        engine_->on_links_known(kNow);
        resolve("A-C-B", kToC, "fe80::c");
        for (const auto* name : {"A-B", "A-C", "from-B"}) tell(name, SS_EVENT_ALIVE);
    }
    /// The clock has just ticked; the session's last probe was sent so long ago.
    void last_probe(const std::string& name, Nanoseconds age) {
        maps_.clock().last_tick_ns = static_cast<std::uint64_t>(now_.count());
        for (const auto& one : engine_->sessions().all()) {
            auto& tx = maps_.sessions[one.index].tx;
            const auto sent = now_ - (one.config.name == name ? age : 0ms);
            tx.sent_at_ns[++tx.sequence % SS_SENT_RING] = static_cast<std::uint64_t>(sent.count());
        }
    }

    static constexpr int kToR = 9;
    Nanoseconds now_ = kNow;
};

// Others make a port of the same name, and the neighbor's probes go on by the old one.
TEST_F(PathAndPassive, ProbesByAnInterfaceOfThePastAreNotExpected) {
    EXPECT_EQ(maps_.passives.size(), 1U);
    engine_->on_link(link("old", kToB), kNow);
    EXPECT_TRUE(maps_.passives.empty());
    EXPECT_EQ(rank("from-B"), SS_DOWN);
    engine_->on_link(link("to-B", 70), kNow);
    EXPECT_EQ(maps_.passives.size(), 1U);
    EXPECT_TRUE(maps_.passives.contains({70, address("fd00:b::1")}));
}

TEST_F(PathAndPassive, WithoutTheInterfaceThatItsProbesReturnByAPathIsDown) {
    EXPECT_EQ(rank("A-C-B"), SS_UP);
    auto gone = link("to-R", kToR, false);
    gone.gone = true;
    engine_->on_link(gone, kNow);
    EXPECT_EQ(rank("A-C-B"), SS_DOWN);
    EXPECT_EQ(session("A-C-B").fsm.reason, Reason::unprobed);
    EXPECT_EQ(rank("A-C"), SS_UP);
    engine_->on_link(link("to-R", 90), kNow);
    EXPECT_EQ(conf("A-C-B").flags, SS_SESSION_ACTIVE);
    tell("A-C-B", SS_EVENT_ALIVE);
    EXPECT_EQ(session("A-C-B").fsm.state, SessionState::wait);
}

TEST_F(PathAndPassive, WhatIsTrustedIsProbed) {
    last_probe("A-C-B", 60ms);  // less than eight intervals
    for (int i = 0; i < 3; ++i) engine_->reconcile(now_);
    EXPECT_EQ(rank("A-C-B"), SS_UP);
    last_probe("A-C-B", 200ms);
    engine_->reconcile(now_);
    EXPECT_EQ(rank("A-C-B"), SS_UP) << "the clock may have come back from a standstill in this moment";
    last_probe("A-C-B", 200ms);
    engine_->reconcile(now_);
    EXPECT_EQ(rank("A-C-B"), SS_UP) << "one more was sent";
    engine_->reconcile(now_);
    EXPECT_EQ(session("A-C-B").fsm.reason, Reason::unprobed);
    EXPECT_EQ(rank("A-C-B"), SS_DOWN);
    EXPECT_EQ(rank("A-C"), SS_UP);
    EXPECT_EQ(rank("A-B"), SS_UP);
}

// What stands still accuses nobody.
TEST_F(PathAndPassive, WithoutTicksNobodyIsUnprobed) {
    last_probe("A-C-B", 5ms);
    for (int i = 0; i < 30; ++i) engine_->reconcile(now_ += 100ms);
    EXPECT_EQ(rank("A-C-B"), SS_UP);
}

TEST_F(PathAndPassive, AnswersToAnotherProbeProveNothing) {
    tell("A-C-B", SS_EVENT_DEAD);
    const auto before = conf("A-C-B").epoch;
    constexpr MacAddress kOther{2, 0, 0, 0, 0, 0x99};
    const auto moves_to = [&](const MacAddress& mac) {
        engine_->on_neighbor(
            {.ifindex = kToC, .address = address("fe80::c"), .status = NeighborStatus::usable, .mac = mac}, kNow);
    };
    moves_to(kOther);
    EXPECT_EQ(conf("A-C-B").epoch, before + 1);
    tell("A-C-B", SS_EVENT_ALIVE);
    moves_to(kNeighborMac);
    EXPECT_EQ(conf("A-C-B").epoch, before + 1) << "what is trusted goes on to be judged";
}

TEST_F(EngineTest, LostCarrierLowersTheStateAndCountsIt) {
    start();
    EXPECT_EQ(maps_.repair().active, 0U);
    engine_->on_link(link("to-B", kToB, false), kNow);
    EXPECT_EQ(rank("A-B"), SS_DOWN);
    EXPECT_EQ(rank("A-C"), SS_UP);
    EXPECT_EQ(maps_.repair().active, 1U);
    EXPECT_THAT(events_, ElementsAre("A-B", "A-C", "A-B"));
}

// Traffic waits for the stores, not for the log and the followers.
TEST_F(EngineTest, AllStatesOfALinkAreLoweredBeforeTheFirstIsReported) {
    auto config = square();
    for (int i = 0; i < 100; ++i) {
        config.adjacencies.push_back(adjacency("L" + std::to_string(i), "lan", "fe80::" + std::to_string(i + 1)));
        config.adjacencies.back().probe.start = Start::trusted;  // or else they would be down from the start
    }
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("lan", 9), kNow);
    unsigned up_at_first_event = 0;
    bool reported = false;
    engine_ = std::make_unique<Engine>(maps_, EngineHooks{.resolve = [](int, const Address&) {},
                                                          .on_event =
                                                              [&](const LoggedEvent&) {
                                                                  if (std::exchange(reported, true)) return;
                                                                  for (const auto& one : engine_->sessions().all()) {
                                                                      up_at_first_event +=
                                                                          one.config.interface == "lan" &&
                                                                          maps_.states[one.index].rank != SS_DOWN;
                                                                  }
                                                              },
                                                          .linkdown_ignored = {}});
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("lan", 9), kNow);
    engine_->on_link(link("lan", 9, false), kNow);
    EXPECT_TRUE(reported);
    EXPECT_EQ(up_at_first_event, 0U);
}

// The kernel tells of much else of a link; only this may have changed its routes.
TEST_F(EngineTest, ALinkIsNewsIfItComesOrGoesOrRunsOrNot) {
    EXPECT_TRUE(engine_->on_link(link("to-B", kToB), kNow));
    EXPECT_FALSE(engine_->on_link(link("to-B", kToB), kNow));
    EXPECT_FALSE(engine_->on_link(link("renamed", kToB), kNow));
    EXPECT_TRUE(engine_->on_link(link("renamed", kToB, false), kNow));
    EXPECT_FALSE(engine_->on_link(link("renamed", kToB, false), kNow));
    auto gone = link("renamed", kToB, false);
    gone.gone = true;
    EXPECT_TRUE(engine_->on_link(gone, kNow));
}

TEST_F(EngineTest, AnInterfaceMissingAtTheStartIsAwaited) {
    ASSERT_TRUE(apply(square()));
    engine_->on_link(link("to-C", kToC), kNow);
    engine_->on_links_known(kNow);
    EXPECT_EQ(session("A-B").fsm.state, SessionState::down);
    EXPECT_EQ(session("A-B").fsm.reason, Reason::carrier);
    engine_->on_link(link("to-B", kToB), kNow);
    EXPECT_FALSE(session("A-B").fsm.carrier_cause);
    EXPECT_EQ(session("A-B").ifindex, kToB);
}

TEST_F(EngineTest, ASilentNeighborIsAskedForOnceASecond) {
    start();
    auto now = kNow + 1s;
    engine_->reconcile(now);
    asked_.clear();
    tell("A-B", SS_EVENT_DEAD);
    for (int i = 0; i < 50; ++i) engine_->reconcile(now += 100ms);
    EXPECT_THAT(asked_, testing::Each(kToB));
    EXPECT_THAT(asked_.size(), testing::AllOf(testing::Ge(4U), testing::Le(5U)));
    tell("A-B", SS_EVENT_ALIVE);
    asked_.clear();
    for (int i = 0; i < 50; ++i) engine_->reconcile(now += 100ms);
    EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EngineTest, AfterCarrierIsBackTheNeighborIsAskedForAgain) {
    start();
    engine_->on_link(link("to-B", kToB, false), kNow + 5s);
    asked_.clear();
    engine_->on_link(link("to-B", kToB), kNow + 6s);
    EXPECT_THAT(asked_, ElementsAre(kToB));
    engine_->on_link(link("to-B", kToB, false), kNow + 6100ms);
    engine_->on_link(link("to-B", kToB), kNow + 6200ms);
    EXPECT_THAT(asked_, ElementsAre(kToB)) << "once a second";
    engine_->reconcile(kNow + 7s);
    EXPECT_THAT(asked_, ElementsAre(kToB, kToB));
}

// A policy protects a route; more specific ones that lead elsewhere keep their packets.
TEST_F(EngineTest, RoutesInsideAPolicyAreLeftAlone) {
    auto config = square();
    config.policies = {policy("default", "::/0")};
    const auto target_of = [&](std::string_view text) {
        const auto prefix = *Prefix::parse(text);
        const auto& table = maps_.prefix_tables[maps_.node().bank];
        for (const auto& cell : maps_.prefixes.subspan(table.first, maps_.prefixes.size() / 2)) {
            if (cell.length == prefix.length + 1U && std::memcmp(cell.address, prefix.address.bytes.data(), 16) == 0)
                return std::optional(cell.target.policy);
        }
        return std::optional<std::uint32_t>();
    };
    const auto tell_route = [&](std::string_view to, int ifindex, std::string_view gateway, bool gone = false) {
        engine_->on_route({.prefix = *Prefix::parse(to),
                           .metric = 20,
                           .hops = {{.ifindex = ifindex, .gateway = address(gateway)}},
                           .gone = gone},
                          kNow);
        engine_->settle();
    };
    start(config);
    tell_route("2001:db8:d::/48", kToB, "fe80::b");
    tell_route("2001:db8:c::/48", kToC, "fe80::c");
    EXPECT_EQ(target_of("2001:db8:d::/48"), std::nullopt);
    EXPECT_EQ(target_of("2001:db8:c::/48"), SS_POLICY_NONE);
    ASSERT_TRUE(apply(square()));
    EXPECT_EQ(target_of("2001:db8:c::/48"), std::nullopt) << "outside of every policy";
    config.policies.front().over_routes = true;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(target_of("2001:db8:c::/48"), std::nullopt) << "the policy says so";
    config.policies.front().over_routes = false;
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(target_of("2001:db8:c::/48"), SS_POLICY_NONE);
    tell_route("2001:db8:c::/48", kToC, "fe80::c", true);
    EXPECT_EQ(target_of("2001:db8:c::/48"), std::nullopt);
}

}  // namespace
}  // namespace sidestep
