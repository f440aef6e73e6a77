// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests plans: classes by interval, every session once, limits; and the tick.
#include "detector/core/schedule.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST(Schedule, SessionsOfOneIntervalFormAClassInTheirOrder) {
    const std::vector<ScheduleEntry> entries{{7, 10ms}, {3, 1ms}, {9, 10ms}, {1, 1ms}, {4, 250us}};
    const auto plan = std::make_unique<ss_plan>();
    plan->order[5] = 99;  // from an earlier plan
    ASSERT_TRUE(make_plan(entries, 42, *plan));

    EXPECT_EQ(plan->generation, 42U);
    ASSERT_EQ(plan->classes, 3U);
    const auto describe = [&](unsigned i) {
        const auto& c = plan->class_[i];
        return std::pair(Nanoseconds(c.interval_ns),
                         std::vector<std::uint16_t>(plan->order + c.first, plan->order + c.first + c.count));
    };
    EXPECT_EQ(describe(0), std::pair(Nanoseconds(250us), std::vector<std::uint16_t>{4}));
    EXPECT_EQ(describe(1), std::pair(Nanoseconds(1ms), std::vector<std::uint16_t>{3, 1}));
    EXPECT_EQ(describe(2), std::pair(Nanoseconds(10ms), std::vector<std::uint16_t>{7, 9}));
    EXPECT_EQ(plan->order[5], 0);
}

TEST(Schedule, WithoutSessionsThereAreNoClasses) {
    const auto plan = std::make_unique<ss_plan>();
    plan->class_[0].count = 5;
    ASSERT_TRUE(make_plan({}, 1, *plan));
    EXPECT_EQ(plan->classes, 0U);
    EXPECT_EQ(plan->class_[0].count, 0U);
}

TEST(Schedule, KeepsToTheLimits) {
    const auto plan = std::make_unique<ss_plan>();
    std::vector<ScheduleEntry> entries;
    for (unsigned i = 0; i < SS_MAX_CLASSES; ++i) {
        entries.push_back({.session = static_cast<std::uint16_t>(i), .interval = (i + 1) * 1ms});
    }
    EXPECT_TRUE(make_plan(entries, 1, *plan));
    entries.push_back({.session = 99, .interval = 17ms});
    EXPECT_FALSE(make_plan(entries, 1, *plan));

    entries.assign(SS_MAX_SESSIONS, {.session = 1, .interval = 1ms});
    EXPECT_TRUE(make_plan(entries, 1, *plan));
    entries.push_back({.session = 1, .interval = 1ms});
    EXPECT_FALSE(make_plan(entries, 1, *plan));
}

TEST(Schedule, TickIsAQuarterOfTheShortestInterval) {
    EXPECT_EQ(tick_for({}), 1ms);
    const auto tick = [](std::vector<ScheduleEntry> entries) { return tick_for(entries); };
    EXPECT_EQ(tick({{1, 10ms}, {2, 1ms}, {3, 4ms}}), 250us);
    EXPECT_EQ(tick({{1, 100us}}), 25us);
    EXPECT_EQ(tick({{1, 50us}}), 25us);
}

TEST(Schedule, TickIsShorterIfManyProbesBecomeDue) {
    std::vector<ScheduleEntry> entries(4000, {.session = 1, .interval = 10ms});
    EXPECT_EQ(tick_for(entries), 160us) << "64 probes";
    entries.assign(250, {.session = 1, .interval = 10ms});
    EXPECT_EQ(tick_for(entries), 2500us) << "a quarter of the interval";
    entries.assign(4000, {.session = 1, .interval = 1ms});
    EXPECT_EQ(tick_for(entries), 25us) << "as fast as it gets";
}

}  // namespace
}  // namespace sidestep
