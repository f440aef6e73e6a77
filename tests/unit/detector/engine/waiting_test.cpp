// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A session that answers again is used while nothing better is left, and traffic does not flap for that. Random failures
// are played over the engine and the data plane's own choice. The node is A with two ways:
//
//     A === to-B === B
//     A === to-C === C
#include <chrono>
#include <random>

#include <gtest/gtest.h>

#include "bpf/lib/session_state.h"
#include "detector/engine/engine.hpp"
#include "detector/maps/map_sizes.hpp"
#include "detector/maps/plain_maps.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress kMac{2, 0, 0, 0, 0, 0xa};

Config two_ways() {
    Config config;
    config.node = "A";
    config.source = *Address::parse("fd00:a::1");
    PolicyConfig policy;
    policy.name = "to-D";
    policy.prefixes = {*Prefix::parse("2001:db8:d::/48")};
    for (const auto* name : {"A-B", "A-C"}) {
        AdjacencyConfig adjacency;
        adjacency.name = name;
        adjacency.interface = std::string("to-") + name[2];
        adjacency.neighbor = *Address::parse(std::string("fe80::") + name[2]);
        adjacency.probe.return_address = *Address::parse("fd00:ab::a");
        adjacency.probe.wait_to_restore = 5s;
        config.adjacencies.push_back(adjacency);
        SegmentListConfig list;
        list.adjacency = name;
        policy.candidates.push_back({.lists = {list}});
    }
    config.policies = {policy};
    return config;
}

class Waiting : public testing::Test {
  protected:
    Waiting()
        : engine_(
              maps_,
              {.resolve = [](int, const Address&) {}, .on_event = [](const LoggedEvent&) {}, .linkdown_ignored = {}}) {
        EXPECT_TRUE(engine_.apply(desired_of(two_ways()), now_));
        int ifindex = 7;
        for (const auto* link : {"to-B", "to-C"}) {
            engine_.on_link({.ifindex = ifindex++, .name = link, .up = true, .running = true, .mtu = 1500, .mac = kMac},
                            now_);
        }
        engine_.on_links_known(now_);
        for (auto& session : engine_.sessions().all()) {
            engine_.on_neighbor({.ifindex = session.ifindex,
                                 .address = session.config.neighbor,
                                 .status = NeighborStatus::usable,
                                 .mac = kMac},
                                now_);
        }
        tell("A-B", true);
        tell("A-C", true);
    }

    /// The verdict of the tick; it lowers a state before the detector hears of it.
    void tell(const std::string& name, bool alive) {
        const auto* session = engine_.sessions().find(name);
        auto& shared = maps_.sessions[session->index];
        shared.tx.epoch = shared.conf.epoch;
        shared.tx.verdict = alive ? SS_ALIVE : SS_DEAD;
        if (!alive) ss_state_lower(&maps_.states[session->index], &maps_.repair(), SS_DOWN);
        ss_event event{};
        event.type = alive ? SS_EVENT_ALIVE : SS_EVENT_DEAD;
        event.session = session->index;
        event.epoch = shared.conf.epoch;
        engine_.on_kernel_event(event, now_);
        count();
    }
    void pass(Nanoseconds time) {
        now_ += time;
        engine_.run_timers(now_);
        count();
    }
    void count() {
        const auto active = engine_.policies().active(engine_.policies().all().front());
        moves_ += active != active_ ? 1 : 0;
        active_ = active;
    }
    [[nodiscard]] SessionState state(const std::string& name) const { return engine_.sessions().find(name)->fsm.state; }
    [[nodiscard]] bool answers(const std::string& name) const { return state(name) != SessionState::down; }

    Nanoseconds now_ = 100s;
    PlainMaps maps_{map_sizes(two_ways())};
    Engine engine_;
    int active_ = 0;
    int moves_ = 0;
};

TEST_F(Waiting, ASecondFailureDuringTheWaitIsNotAnOutage) {
    tell("A-B", false);
    tell("A-C", false);
    EXPECT_EQ(active_, -1);
    tell("A-C", true);
    EXPECT_EQ(active_, 1) << "A-C waits, and answers";
    pass(5s);
    EXPECT_EQ(state("A-C"), SessionState::up);
    EXPECT_EQ(active_, 1);
}

TEST_F(Waiting, WhatIsUpGoesFirst) {
    tell("A-B", false);
    tell("A-B", true);
    EXPECT_EQ(state("A-B"), SessionState::wait);
    EXPECT_EQ(active_, 1) << "A-C never failed";
    pass(5s);
    EXPECT_EQ(active_, 0);
}

TEST_F(Waiting, AQuietPathIsNotLeftForOneThatFlaps) {
    tell("A-B", false);
    tell("A-C", false);
    tell("A-C", true);
    tell("A-B", true);
    EXPECT_EQ(active_, 0) << "both wait alike: the earlier candidate";
    moves_ = 0;
    for (int flap = 0; flap < 100; ++flap) {
        tell("A-B", false);
        tell("A-B", true);
        pass(10ms);
    }
    EXPECT_EQ(active_, 1);
    EXPECT_EQ(moves_, 1) << "once away from A-B";
    pass(5s);
    EXPECT_EQ(active_, 0);
    EXPECT_EQ(moves_, 2) << "and back after a quiet wait";
}

TEST_F(Waiting, RandomFailuresNeverLeaveAPathUnusedThatAnswers) {
    std::mt19937 random(1);
    for (int i = 0; i < 20000; ++i) {
        const auto* name = random() % 2 != 0 ? "A-B" : "A-C";
        if (random() % 3 == 0) {
            pass(std::chrono::milliseconds(random() % 4000));
        } else {
            tell(name, random() % 2 != 0);
        }
        const bool none = !answers("A-B") && !answers("A-C");
        ASSERT_EQ(active_ < 0, none) << "event " << i;
        for (const auto* up : {"A-B", "A-C"}) {
            if (state(up) == SessionState::up) {
                ASSERT_EQ(state(active_ == 0 ? "A-B" : "A-C"), SessionState::up) << "event " << i;
            }
        }
    }
}

// Traffic moves when the path that it is on fails, or when a better one comes up: not more often.
TEST_F(Waiting, MovesAreBoundedByFailuresAndRestorations) {
    std::mt19937 random(2);
    int causes = 0;
    for (int i = 0; i < 20000; ++i) {
        const auto* name = random() % 2 != 0 ? "A-B" : "A-C";
        const auto before = std::pair(state("A-B"), state("A-C"));
        moves_ = 0;
        if (random() % 3 == 0) {
            pass(std::chrono::milliseconds(random() % 4000));
        } else {
            tell(name, random() % 2 != 0);
        }
        causes = before != std::pair(state("A-B"), state("A-C")) ? 1 : 0;
        ASSERT_LE(moves_, causes) << "event " << i;
    }
}

}  // namespace
}  // namespace sidestep
