// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the engine writes for hitless policies: lists that know their candidate, and flows that go on.
#include <linux/if_ether.h>
#include <netinet/icmp6.h>

#include <chrono>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

constexpr unsigned kFlow = 7;
constexpr std::uint64_t kLastNumber = 12345;

SegmentListConfig copy_over(const std::string& adjacency) {
    return over(adjacency, {address("fd00:b:0:7::")}).lists.front();
}

/// The square with one hitless policy, by B and by C.
Config hitless_square() {
    auto config = square();
    config.policies[0].flow = kFlow;
    config.policies[0].candidates = {{.lists = {copy_over("A-B"), copy_over("A-C")}}};
    return config;
}

class HitlessEngine : public EngineTest {
  protected:
    void SetUp() override {
        start(hitless_square());
        engine_->reconcile(kNow);
    }
    /// The lists that a packet of the policy takes now.
    [[nodiscard]] std::vector<ss_list> lists() const {
        std::vector<ss_list> result;
        const auto& candidate = maps_.candidates[index()];
        for (std::uint32_t i = 0; i < candidate.lists; ++i) result.push_back(maps_.lists[candidate.list[i].list]);
        return result;
    }
    [[nodiscard]] std::uint32_t index() const { return engine_->policies().all().front().candidates.front(); }
    /// Whether its lists lead to all copies, and each copy has the same room.
    testing::AssertionResult is_whole(std::size_t copies, std::uint32_t mtu) const {
        const auto all = lists();
        if (all.size() != copies) return testing::AssertionFailure() << all.size() << " lists";
        for (const auto& list : all) {
            if (list.candidate != index() || list.mtu != mtu)
                return testing::AssertionFailure()
                       << "candidate " << list.candidate << " and not " << index() << ", mtu " << list.mtu;
        }
        return testing::AssertionSuccess();
    }
};

// The argument of a copy says which list it took, although the routers that it passed may know others.
TEST_F(HitlessEngine, ARouterRefusesTheListThatTheCopyTook) {
    for (const std::uint64_t number : {1U, 2U}) {
        const auto list = lists().at(1);
        ss_icmp_error_event event{};
        event.type = SS_EVENT_ICMP_ERROR;
        event.icmp_type = ICMP6_DST_UNREACH;
        std::copy(list.header + ETH_HLEN, list.header + list.header_length, event.quoted);
        for (std::uint8_t* sid : {event.quoted + 24, event.quoted + 48}) {
            sid[9] = kFlow;
            sid[10] = 1U << (8 - SS_COPY_BITS);
            sid[15] = static_cast<std::uint8_t>(number);
        }
        engine_->on_icmp_error(event, kNow);
        const auto problems = engine_->problems();
        ASSERT_EQ(problems.size(), 1U);
        EXPECT_EQ(problems.begin()->first, "the list by A-C over fd00:b:0:7::");
        EXPECT_EQ(problems.begin()->second.text, ":: has no route to fd00:b:0:7::: packets are lost there");
    }
}

TEST_F(HitlessEngine, AnotherWeightMovesListsToAnotherCandidate) {
    EXPECT_TRUE(is_whole(2, 1500));
    const auto before = index();
    auto config = hitless_square();
    config.policies[0].candidates[0].lists[1].weight = 2;
    ASSERT_TRUE(apply(config));
    EXPECT_NE(index(), before);
    EXPECT_TRUE(is_whole(2, 1500));
}

TEST_F(HitlessEngine, AThirdListTakesItsRoomFromAll) {
    auto config = hitless_square();
    auto third = copy_over("A-C");
    third.sessions = {"A-B"};
    third.mtu = 1400;
    config.policies[0].candidates[0].lists.push_back(third);
    ASSERT_TRUE(apply(config));
    EXPECT_TRUE(is_whole(3, 1400));
    ASSERT_TRUE(apply(hitless_square()));
    EXPECT_TRUE(is_whole(2, 1500));
}

TEST_F(HitlessEngine, ASetThatFailsLeavesTheListsToTheirCandidate) {
    auto config = hitless_square();
    auto& changed = config.policies[0].candidates[0].lists;
    changed.push_back(changed[1]);
    changed[2].sessions = {"A-B"};
    changed[2].mtu = 1400;
    for (int i = 0; i < 2000; ++i) config.policies.push_back(policy("p" + std::to_string(i), "2001:db8:1::/48"));
    ASSERT_FALSE(apply(config));
    EXPECT_TRUE(is_whole(2, 1500)) << "copies would leave by the lists of the refused set";
}

TEST_F(HitlessEngine, WithoutAChangeNothingIsWritten) {
    const auto before = maps_.snapshot();
    ASSERT_TRUE(apply(hitless_square()));
    EXPECT_EQ(maps_.snapshot(), before);
    maps_.senders[kFlow].next = kLastNumber;
    EXPECT_NE(maps_.snapshot(), before) << "it would see a flow that begins again";
}

TEST_F(HitlessEngine, WhatIsNoMemoryIsSeenToo) {
    auto config = hitless_square();
    SidConfig merging;
    merging.sid = *Prefix::parse("fd00:a::7/128");
    merging.behavior = SidBehavior::end_dt46;
    merging.flows = {kFlow};
    config.sids.push_back(merging);
    ASSERT_TRUE(apply(config));
    const auto before = maps_.snapshot();
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(maps_.snapshot(), before);
    (void)maps_.set_merge(kFlow, 1, 1);
    EXPECT_NE(maps_.snapshot(), before);
}

TEST_F(HitlessEngine, AFlowGoesOnFromItsLastNumber) {
    EXPECT_NE(maps_.senders[kFlow].next, 0U);
    maps_.senders[kFlow].next = kLastNumber;
    auto config = hitless_square();
    config.policies.push_back(policy("more", "2001:db8:77::/48"));
    ASSERT_TRUE(apply(config));
    EXPECT_EQ(maps_.senders[kFlow].next, kLastNumber);
    restart();
    start(config);
    EXPECT_EQ(maps_.senders[kFlow].next, kLastNumber) << "the merging node takes smaller numbers for late copies";
}

/// The lines about policies that are logged meanwhile.
class PolicyLines {
  public:
    PolicyLines() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_)); }
    PolicyLines(const PolicyLines&) = delete;
    PolicyLines& operator=(const PolicyLines&) = delete;
    ~PolicyLines() { spdlog::set_default_logger(usual_); }

    [[nodiscard]] std::vector<std::string> all() const {
        std::vector<std::string> lines;
        for (const auto& line : sink_->last_raw()) {
            const std::string text(line.payload.begin(), line.payload.end());
            if (text.starts_with("policy ")) lines.push_back(text);
        }
        return lines;
    }

  private:
    std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> sink_ = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
    std::shared_ptr<spdlog::logger> usual_ = spdlog::default_logger();
};

TEST_F(HitlessEngine, WhatKeepsItFromASecondCopyIsSaid) {
    const auto copies = [&] { return to_string(engine_->copies_of(engine_->policies().all().front())); };
    EXPECT_EQ(copies(), "in 2 copies, flow 7");
    tell("A-B", SS_EVENT_DEAD);
    EXPECT_EQ(copies(), "unprotected: A-B is down");
    tell("A-C", SS_EVENT_DEAD);
    EXPECT_EQ(copies(), "unprotected: A-B, A-C are down");
}

TEST_F(HitlessEngine, ProtectionIsLoggedWhenItEndsAndWhenItIsBack) {
    const PolicyLines lines;
    for (const auto* name : {"A-B", "A-C"}) {
        tell(name, SS_EVENT_DEAD);
        engine_->reconcile(kNow);
    }
    EXPECT_THAT(lines.all(), testing::ElementsAre("policy to-D: unprotected: A-B is down"));
    tell("A-B", SS_EVENT_ALIVE);
    tell("A-C", SS_EVENT_ALIVE);
    engine_->reconcile(kNow);
    ASSERT_TRUE(apply(hitless_square()));
    EXPECT_THAT(lines.all(),
                testing::ElementsAre("policy to-D: unprotected: A-B is down", "policy to-D: in 2 copies, flow 7"));
}

// A start that adopts its sessions hears of no change, and must know later that there were two copies.
TEST_F(HitlessEngine, WhatNoSessionTellsIsLoggedWithinASecond) {
    const PolicyLines lines;
    auto& list = maps_.lists[maps_.candidates[index()].list[0].list];
    const auto mode = std::exchange(list.mode, SS_MODE_UNUSABLE);  // its neighbor's address is not known yet
    engine_->reconcile(kNow + std::chrono::seconds(1));
    list.mode = mode;
    engine_->reconcile(kNow + std::chrono::seconds(2));
    EXPECT_THAT(lines.all(), testing::ElementsAre("policy to-D: unprotected: fewer than two lists can be used",
                                                  "policy to-D: in 2 copies, flow 7"));
}

TEST_F(HitlessEngine, AListThatIsTakenAwayIsLogged) {
    const PolicyLines lines;
    auto config = hitless_square();
    config.policies[0].candidates[0].lists.pop_back();  // as routing may
    ASSERT_TRUE(apply(config));
    EXPECT_THAT(lines.all(), testing::ElementsAre("policy to-D: unprotected: fewer than two lists can be used"));
}

TEST_F(HitlessEngine, ADrainTakesTheSecondCopyAndMovesNothing) {
    auto plan = engine_->plan_drain(session("A-B"));
    EXPECT_THAT(plan.moves, testing::IsEmpty());
    EXPECT_THAT(plan.unprotected, testing::ElementsAre("to-D"));
    tell("A-B", SS_EVENT_DEAD);
    plan = engine_->plan_drain(session("A-B"));
    EXPECT_THAT(plan.moves, testing::IsEmpty());
    EXPECT_THAT(plan.unprotected, testing::IsEmpty()) << "it carries no copy";
}

// What an operator does on purpose is no alarm; what fails meanwhile is one.
TEST_F(HitlessEngine, WhatADrainTookIsToldFromWhatFailed) {
    const auto would = [&](std::size_t at = 0) { return engine_->undrained(engine_->policies().all().at(at)); };
    EXPECT_FALSE(engine_->has_drained());
    EXPECT_EQ(would().copies, 2U);
    engine_->on_admin(session("A-B"), false, kNow);
    EXPECT_TRUE(engine_->has_drained());
    EXPECT_EQ(would().copies, 2U);
    engine_->on_link(link("to-B", kToB, false), kNow);  // it is pulled
    EXPECT_EQ(would().copies, 2U);
    tell("A-C", SS_EVENT_DEAD);
    EXPECT_EQ(would().copies, 1U) << "this one failed";
    EXPECT_EQ(would().active, 0);
}

TEST_F(HitlessEngine, ADrainOfTheBestCandidateIsToldFromItsFailure) {
    ASSERT_TRUE(apply(square()));
    const auto& policy = engine_->policies().all().front();
    engine_->on_admin(session("A-B"), false, kNow);
    EXPECT_EQ(engine_->policies().active(policy), 1);
    EXPECT_EQ(engine_->undrained(policy).active, 0);
    engine_->on_admin(session("A-B"), true, kNow);
    tell("A-B", SS_EVENT_DEAD);
    EXPECT_EQ(engine_->policies().active(policy), 1);
    EXPECT_EQ(engine_->undrained(policy).active, 1);
}

TEST_F(HitlessEngine, ADrainOfTheLastCopyMovesThePolicy) {
    auto config = hitless_square();
    config.policies[0].candidates.push_back({.preference = 50, .lists = {copy_over("A-C")}});
    config.policies[0].candidates[0].lists[1].sessions = {"A-B"};
    ASSERT_TRUE(apply(config));
    const auto plan = engine_->plan_drain(session("A-B"));
    EXPECT_THAT(plan.moves, testing::ElementsAre("to-D"));
    EXPECT_THAT(plan.unprotected, testing::IsEmpty());
}

}  // namespace
}  // namespace sidestep
