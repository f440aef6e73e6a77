// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what the engine makes of sessions that verify backups: they can have another backup preferred, and no more.
#include <linux/if_ether.h>
#include <netinet/icmp6.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/core/verification.hpp"
#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class VerifyTest : public EngineTest {
  protected:
    VerifyTest() {
        start(verified());
        for (const auto& one : engine_->sessions().all()) {
            if (one.config.verifies) name_ = one.config.name;
        }
    }
    static Config verified() {
        auto config = square();
        config.verify = true;
        return config;
    }
    void tell_at(const std::string& name, ss_event_type type, Nanoseconds now) {
        ss_event event{};
        event.type = type;
        event.session = session(name).index;
        auto& shared = maps_.sessions[event.session];
        event.epoch = shared.tx.epoch = shared.conf.epoch;
        event.time_ns = static_cast<std::uint64_t>(now.count());
        shared.tx.verdict = type == SS_EVENT_DEAD ? SS_DEAD : SS_ALIVE;
        shared.tx.verdict_ns = event.time_ns;
        engine_->on_kernel_event(event, now);
    }
    /// A wait that has begun ends, and nothing else happens, until `now`.
    void pass(Nanoseconds now) {
        engine_->run_timers(now);
        engine_->reconcile(now);
    }
    [[nodiscard]] const SegmentListConfig& backup() const {
        return engine_->policies().all().front().config.candidates.back().lists.front();
    }
    [[nodiscard]] std::uint32_t backup_rank() const {
        return engine_->policies().list_rank(engine_->policies().all().front(), 1, 0);
    }

    std::string name_;
};

TEST_F(VerifyTest, ABackupThatWasNeverProvenCountsAsUp) {
    ASSERT_FALSE(name_.empty());
    EXPECT_EQ(name_, verification_name("A-C", {address("fd00:c::")}));
    EXPECT_EQ(conf(name_).flags, SS_SESSION_ACTIVE | SS_SESSION_VERIFIES);
    EXPECT_EQ(conf(name_).return_ifindex, 0U);
    EXPECT_EQ(engine_->verification_of(backup()), Verification::none);
    EXPECT_EQ(backup_rank(), SS_UP);
    pass(kNow + 1h);
    EXPECT_EQ(backup_rank(), SS_UP);
    EXPECT_TRUE(engine_->problems().empty()) << engine_->problems().begin()->first;
    EXPECT_EQ(backup().verified_by, name_);
}

TEST_F(VerifyTest, ABackupThatFallsSilentIsUsedLastUntilItAnswersAgain) {
    tell_at(name_, SS_EVENT_ALIVE, kNow);
    EXPECT_EQ(engine_->verification_of(backup()), Verification::proven);
    tell_at(name_, SS_EVENT_DEAD, kNow + 10s);
    EXPECT_EQ(engine_->verification_of(backup()), Verification::silent);
    pass(kNow + 10s + 999ms);
    EXPECT_EQ(backup_rank(), SS_UP);
    pass(kNow + 11s);
    EXPECT_EQ(backup_rank(), SS_DEGRADED);
    EXPECT_TRUE(engine_->problems().contains("the backup by A-C over fd00:c::"));
    tell_at(name_, SS_EVENT_ALIVE, kNow + 20s);
    pass(kNow + 20s + 999ms);
    EXPECT_EQ(backup_rank(), SS_DEGRADED);
    pass(kNow + 21s);
    EXPECT_EQ(backup_rank(), SS_UP);
    EXPECT_FALSE(engine_->problems().contains("the backup by A-C over fd00:c::"));
    EXPECT_THAT(events_, testing::IsSupersetOf({name_, name_}));
}

// The way home may have been the link that failed.
TEST_F(VerifyTest, ABackupThatFallsSilentWithALinkIsLeftAlone) {
    tell_at(name_, SS_EVENT_ALIVE, kNow);
    tell_at("A-B", SS_EVENT_DEAD, kNow + 10s);
    tell_at(name_, SS_EVENT_DEAD, kNow + 10s + 300ms);
    pass(kNow + 1min);
    EXPECT_EQ(backup_rank(), SS_UP);
    tell_at("A-B", SS_EVENT_ALIVE, kNow + 1min);
    pass(kNow + 62s);
    EXPECT_EQ(backup_rank(), SS_DEGRADED) << "the link is back, and the backup is not";
}

TEST_F(VerifyTest, ALinkThatHasLongBeenDownExcusesNothing) {
    tell_at("A-B", SS_EVENT_DEAD, kNow + 1s);
    tell_at(name_, SS_EVENT_ALIVE, kNow + 5s);
    pass(kNow + 7s);
    tell_at(name_, SS_EVENT_DEAD, kNow + 10s);
    pass(kNow + 12s);
    EXPECT_EQ(backup_rank(), SS_DEGRADED);
}

// Whoever started first was told that the far end has no such SID, which has one now.
TEST_F(VerifyTest, WhatARouterSaidIsForgottenOnceProbesPass) {
    const auto list = std::ranges::find(maps_.lists, SS_MODE_ENCAPS, [](const ss_list& one) { return int{one.mode}; });
    ASSERT_NE(list, maps_.lists.end());
    ss_icmp_error_event event{};
    event.type = SS_EVENT_ICMP_ERROR;
    event.icmp_type = ICMP6_DST_UNREACH;
    std::copy(list->header + ETH_HLEN, list->header + list->header_length, event.quoted);
    event.quoted[7] = 64;
    engine_->on_icmp_error(event, kNow);
    pass(kNow + 10s);
    EXPECT_NE(engine_->refusal_of(backup()), "");
    tell_at(name_, SS_EVENT_ALIVE, kNow + 20s);
    pass(kNow + 20s + 100ms);
    EXPECT_EQ(engine_->refusal_of(backup()), "");
    engine_->on_icmp_error(event, kNow + 30s);
    pass(kNow + 31s + 900ms);
    EXPECT_NE(engine_->refusal_of(backup()), "") << "it is said again and again";
}

TEST_F(VerifyTest, ASuccessorKnowsWhatWasSilent) {
    tell_at(name_, SS_EVENT_ALIVE, kNow);
    tell_at(name_, SS_EVENT_DEAD, kNow + 10s);
    pass(kNow + 12s);
    restart();
    start(verified());
    EXPECT_TRUE(session(name_).distrusted);
    EXPECT_EQ(backup_rank(), SS_DEGRADED);
}

// Its links' states are the links' affair: carrier loss leaves the word of a verification alone.
TEST_F(VerifyTest, TheLinkOfABackupSpeaksForItself) {
    tell_at(name_, SS_EVENT_ALIVE, kNow);
    engine_->on_link(link("to-C", kToC, false), kNow + 1s);
    EXPECT_EQ(rank(name_), SS_UP);
    EXPECT_EQ(backup_rank(), SS_DOWN);
    pass(kNow + 1min);
    EXPECT_EQ(rank(name_), SS_UP);
}

}  // namespace
}  // namespace sidestep
