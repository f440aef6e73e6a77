// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the engine over plain memory: kernel and netlink events go in, states in shared memory come out. The node is A
// with neighbors B and C:
//
//     A === to-B === B
//     A === to-C === C
#include "detector/engine/engine.hpp"

#include <chrono>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/maps/map_sizes.hpp"
#include "tests/unit/detector/fake_maps.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Nanoseconds kNow = 100s;
constexpr int kToB = 7;
constexpr int kToC = 8;
constexpr MacAddress kOwnMac{2, 0, 0, 0, 0, 0xa};
constexpr MacAddress kNeighborMac{2, 0, 0, 0, 0, 0xb};

Address address(std::string_view text) {
    return *Address::parse(text);
}

AdjacencyConfig adjacency(const std::string& name, const std::string& interface, std::string_view neighbor) {
    AdjacencyConfig result;
    result.name = name;
    result.interface = interface;
    result.neighbor = address(neighbor);
    result.probe.return_address = address("fd00:ab::a");
    result.probe.wait_to_restore = 0s;
    return result;
}

CandidateConfig over(const std::string& adjacency, const std::vector<Address>& segments = {}) {
    SegmentListConfig list;
    list.adjacency = adjacency;
    list.segments = segments;
    list.encap = segments.empty() ? Encap::plain : Encap::h_encaps;
    return {.lists = {list}};
}

PolicyConfig policy(const std::string& name, std::string_view prefix) {
    PolicyConfig result;
    result.name = name;
    result.prefixes = {*Prefix::parse(prefix)};
    result.candidates = {over("A-B"), over("A-C", {address("fd00:c::")})};
    return result;
}

Config square() {
    Config config;
    config.node = "A";
    config.source = address("fd00:a::1");
    config.adjacencies = {adjacency("A-B", "to-B", "fe80::b"), adjacency("A-C", "to-C", "fe80::c")};
    config.policies = {policy("to-D", "2001:db8:d::/48")};
    config.ingress = {"to-S"};
    return config;
}

LinkChange link(const std::string& name, int ifindex, bool running = true) {
    return {.ifindex = ifindex, .name = name, .up = true, .running = running, .mtu = 1500, .mac = kOwnMac};
}

class EngineTest : public testing::Test {
  protected:
    EngineTest() { restart(); }

    /// Starts another engine over the same memory, as after a crash.
    void restart() {
        engine_ = std::make_unique<Engine>(
            maps_, EngineHooks{.resolve = [this](int ifindex, const Address&) { asked_.push_back(ifindex); },
                               .on_event = [this](const LoggedEvent& event) { events_.push_back(event.session); }});
    }
    void start(const Config& config = square()) {
        ASSERT_TRUE(engine_->apply(desired_of(config), kNow));
        engine_->on_link(link("to-B", kToB), kNow);
        engine_->on_link(link("to-C", kToC), kNow);
        engine_->on_links_known(kNow);
        resolve("A-B", kToB, "fe80::b");
        resolve("A-C", kToC, "fe80::c");
    }
    void resolve(const std::string& name, int ifindex, std::string_view neighbor) {
        engine_->on_neighbor(
            {.ifindex = ifindex, .address = address(neighbor), .status = NeighborStatus::usable, .mac = kNeighborMac},
            kNow);
        tell(name, SS_EVENT_ALIVE);
    }
    /// Delivers the tick's verdict on a session.
    void tell(const std::string& name, ss_event_type type) {
        const auto* session = engine_->sessions().find(name);
        if (session == nullptr) return;
        ss_event event{};
        event.type = type;
        event.session = session->index;
        event.epoch = maps_.sessions[session->index].conf.epoch;
        maps_.sessions[session->index].tx.epoch = event.epoch;
        maps_.sessions[session->index].tx.verdict = type == SS_EVENT_DEAD ? SS_DEAD : SS_ALIVE;
        engine_->on_kernel_event(event, kNow);
    }
    void resolve_host(std::string_view host, const MacAddress& mac) {
        engine_->on_neighbor({.ifindex = kToB, .address = address(host), .status = NeighborStatus::usable, .mac = mac},
                             kNow);
        engine_->settle();
    }
    /// Whether packets for this host on the link to B are B's.
    [[nodiscard]] bool is_neighbors(std::string_view host) const {
        ss_hop hop{.ifindex = kToB, .gateway = {}};
        std::ranges::copy(address(host).bytes, hop.gateway);
        return maps_.adjacencies.contains({reinterpret_cast<const char*>(&hop), sizeof hop});
    }
    [[nodiscard]] Session& session(const std::string& name) { return *engine_->sessions().find(name); }
    [[nodiscard]] std::uint32_t rank(const std::string& name) { return maps_.states[session(name).index].rank; }
    [[nodiscard]] const ss_session_conf& conf(const std::string& name) {
        return maps_.sessions[session(name).index].conf;
    }
    Result<ChangePlan> apply(const Config& config) { return engine_->apply(desired_of(config), kNow); }

    FakeMaps maps_{map_sizes(square())};
    std::vector<int> asked_;
    std::vector<std::string> events_;
    std::unique_ptr<Engine> engine_;
};

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
                                                              }});
    ASSERT_TRUE(apply(config));
    engine_->on_link(link("lan", 9), kNow);
    engine_->on_link(link("lan", 9, false), kNow);
    EXPECT_TRUE(reported);
    EXPECT_EQ(up_at_first_event, 0U);
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
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_EQ(maps_.repair().active, 0U);
    EXPECT_EQ(conf("A-B").flags, 0U) << "silent until the new neighbor is resolved";
    EXPECT_FALSE(session("A-B").neighbor_mac);
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
    EXPECT_EQ(rank("A-B"), SS_UP);
    EXPECT_EQ(maps_.repair().active, 0U);
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

TEST_F(EngineTest, AComputedSetReplacesAnotherAndTheFileWins) {
    auto config = square();
    config.routing.emplace();
    FakeMaps maps(map_sizes(config));
    Engine engine(maps, {.resolve = [](int, const Address&) {}, .on_event = [](const LoggedEvent&) {}});
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
