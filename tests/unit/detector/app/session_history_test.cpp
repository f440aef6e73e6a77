// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/session_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/app/losses.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

json event(const char* session, const char* state, const char* reason,
           const char* time = "2026-11-29T13:00:00.250000Z") {
    return {{"session", session}, {"state", state}, {"reason", reason}, {"time", time}};
}

TEST(SessionHistory, CountsFailuresByReasonAndKeepsTheLastChange) {
    SessionHistory history;
    history.note(event("A-B", "up", "none"));
    history.note(event("A-B", "down", "unanswered"));
    history.note(event("A-B", "wait", "unanswered"));
    history.note(event("A-B", "down", "carrier-lost"));
    history.note(event("A-B", "down", "unanswered", "2026-11-29T13:00:01.500000Z"));
    history.note(event("A-C", "degraded", "lossy"));
    const auto* past = history.find("A-B");
    ASSERT_NE(past, nullptr);
    EXPECT_EQ(past->downs, (std::map<std::string, std::uint64_t>{{"unanswered", 2}, {"carrier-lost", 1}}));
    EXPECT_EQ(past->last_change_ms, 1'795'957'201'500);
    EXPECT_EQ(past->last_event["time"], "2026-11-29T13:00:01.500000Z");
    EXPECT_TRUE(history.find("A-C")->downs.empty());
    EXPECT_EQ(history.find("A-D"), nullptr);
}

TEST(SessionHistory, WhatIsNoEventIsIgnored) {
    SessionHistory history;
    history.note(json::object());
    history.note({{"session", 5}, {"state", "down"}});
    history.note({{"session", "A-B"}});
    EXPECT_EQ(history.find("A-B")->last_change_ms, std::nullopt);
    EXPECT_EQ(unix_milliseconds("yesterday"), std::nullopt);
}

TEST(SettledLosses, AreThoseThatNobodyCanAnswerAnyMore) {
    ss_session session{};
    const auto answer = [&](std::uint64_t sequence) { return ss_mark_answered(&session.rx, sequence); };
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        session.tx.sequence = i;
        if (i % 10 != 0) {
            ASSERT_EQ(answer(i), 0U);
            session.rx.newest = i;
            ++session.rx.answered;
        }
        const auto settled = i > 64 ? (i - 64) / 10 : 0;
        EXPECT_NEAR(static_cast<double>(settled_losses(session)), static_cast<double>(settled), 1.0) << i;
    }
    const auto before = settled_losses(session);
    session.tx.sequence = 2000;  // silence
    EXPECT_GE(settled_losses(session), before + 900);
    const auto silent = settled_losses(session);
    ASSERT_EQ(answer(2000), 0U);
    session.rx.newest = 2000;
    ++session.rx.answered;
    EXPECT_GE(settled_losses(session) + 2, silent) << "it only grows";
    EXPECT_LE(settled_losses(session), 100U + 1000U);
}

}  // namespace
}  // namespace sidestep
