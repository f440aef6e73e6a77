// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// RFC 8405, section 5, transition by transition.
#include "routing/core/spf_backoff.hpp"

#include <gtest/gtest.h>

namespace sidestep::routing {
namespace {

using namespace std::chrono_literals;

TEST(SpfBackoff, FirstEventWaitsTheInitialDelay) {
    SpfBackoff backoff;
    EXPECT_EQ(backoff.deadline(), std::nullopt);
    backoff.event(1s);
    EXPECT_EQ(backoff.state(), SpfBackoff::State::short_wait);
    EXPECT_EQ(backoff.deadline(), 1050ms);
    EXPECT_FALSE(backoff.advance(1049ms));
    EXPECT_TRUE(backoff.advance(1050ms));
    EXPECT_FALSE(backoff.advance(1051ms)) << "once";
}

TEST(SpfBackoff, EventsBeforeTheSpfAreServedByIt) {
    SpfBackoff backoff;
    backoff.event(0ms);
    backoff.event(40ms);
    EXPECT_TRUE(backoff.advance(50ms));
    EXPECT_FALSE(backoff.advance(400ms));
}

TEST(SpfBackoff, FurtherEventsWaitShortThenLong) {
    SpfBackoff backoff;
    backoff.event(0ms);
    EXPECT_TRUE(backoff.advance(50ms));
    backoff.event(100ms);
    EXPECT_FALSE(backoff.advance(299ms));
    EXPECT_TRUE(backoff.advance(300ms));
    EXPECT_FALSE(backoff.advance(500ms));
    EXPECT_EQ(backoff.state(), SpfBackoff::State::long_wait) << "the time to learn is over";
    backoff.event(600ms);
    EXPECT_FALSE(backoff.advance(5599ms));
    EXPECT_TRUE(backoff.advance(5600ms));
}

TEST(SpfBackoff, QuietReturnsAfterHolddownSinceTheLastEvent) {
    SpfBackoff backoff;
    backoff.event(0s);
    backoff.advance(500ms);
    backoff.event(3s);
    EXPECT_TRUE(backoff.advance(8s));
    EXPECT_FALSE(backoff.advance(12s));
    EXPECT_EQ(backoff.state(), SpfBackoff::State::long_wait) << "the second event prolonged it";
    backoff.advance(13s);
    EXPECT_EQ(backoff.state(), SpfBackoff::State::quiet);
    EXPECT_EQ(backoff.deadline(), std::nullopt);
    backoff.event(20s);
    EXPECT_EQ(backoff.deadline(), 20050ms);
}

}  // namespace
}  // namespace sidestep::routing
