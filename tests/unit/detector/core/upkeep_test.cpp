// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what is mended when, and what is said of it.
#include "detector/core/upkeep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Finding kGood{.thing = "it", .fault = {}};
const Finding kGone{.thing = "it", .fault = "is gone"};

TEST(Upkeep, WhatIsAsWantedIsLeftAlone) {
    Upkeep upkeep;
    EXPECT_THAT(upkeep.plan({kGood}, 0s), IsEmpty());
    EXPECT_THAT(upkeep.problems(), IsEmpty());
}

TEST(Upkeep, WhatIsGoneIsRestoredAtOnceAndSaidForAWhile) {
    Upkeep upkeep;
    EXPECT_THAT(upkeep.plan({kGone}, 100s), ElementsAre("it"));
    upkeep.note("it", std::nullopt);
    EXPECT_EQ(upkeep.problems().at("it"), "is gone: restored");
    EXPECT_THAT(upkeep.plan({kGood}, 130s), IsEmpty());
    EXPECT_THAT(upkeep.problems(), Not(IsEmpty()));
    upkeep.plan({kGood}, 161s);
    EXPECT_THAT(upkeep.problems(), IsEmpty());
}

TEST(Upkeep, WhatCannotBeRestoredIsSaidWithTheReasonAndTriedAgain) {
    Upkeep upkeep;
    ASSERT_THAT(upkeep.plan({kGone}, 100s), ElementsAre("it"));
    upkeep.note("it", "no room");
    EXPECT_EQ(upkeep.problems().at("it"), "is gone; no room");
    EXPECT_THAT(upkeep.plan({kGone}, 100500ms), IsEmpty());
    EXPECT_THAT(upkeep.plan({kGone}, 101s), ElementsAre("it"));
}

TEST(Upkeep, NobodyIsFoughtForEver) {
    Upkeep upkeep;
    int attempts = 0;
    for (auto now = 100s; now < 700s; now += 1s) {
        if (upkeep.plan({kGone}, now).empty()) continue;
        ++attempts;
        upkeep.note("it", std::nullopt);
    }
    EXPECT_THAT(attempts, testing::AllOf(testing::Ge(10), testing::Le(20)));
    EXPECT_TRUE(upkeep.alarmed("it"));
    EXPECT_THAT(upkeep.problems().at("it"), HasSubstr("again and again, so it is restored every 60 s only"));
    upkeep.plan({kGood}, 800s);
    EXPECT_TRUE(upkeep.alarmed("it")) << "the alarm stays";
    upkeep.plan({kGood}, 1100s);
    EXPECT_FALSE(upkeep.alarmed("it"));
    EXPECT_THAT(upkeep.problems(), IsEmpty());
}

TEST(Upkeep, WhatIsNoLongerWantedIsForgotten) {
    Upkeep upkeep;
    upkeep.plan({kGone}, 100s);
    upkeep.plan({}, 101s);
    EXPECT_THAT(upkeep.problems(), IsEmpty());
}

TEST(Upkeep, WhatCannotBeMendedIsOnlySaid) {
    Upkeep upkeep;
    EXPECT_THAT(upkeep.plan({{.thing = "it", .fault = "is second", .mendable = false}}, 100s), IsEmpty());
    EXPECT_EQ(upkeep.problems().at("it"), "is second");
    upkeep.plan({kGood}, 101s);
    EXPECT_THAT(upkeep.problems(), IsEmpty());
}

TEST(FindProgram, ComparesWhatIsWantedWithWhatIsSeen) {
    const SeenPrograms::One ours{.id = 7, .name = "ss_ingress"};
    const SeenPrograms::One other{.id = 8, .name = "watcher"};
    const SeenPrograms::One filter{.id = 0, .name = "a u32 filter of priority 1"};
    EXPECT_EQ(find_program("it", {{ours, other}}, 7), kGood);
    EXPECT_EQ(find_program("it", {}, 7), kGone);
    EXPECT_EQ(find_program("it", {{other}}, 7), kGone);
    const auto second = find_program("it", {{other, ours}}, 7);
    EXPECT_THAT(second.fault, HasSubstr("watcher (program 8) runs before it"));
    EXPECT_FALSE(second.mendable);
    EXPECT_THAT(find_program("it", {{filter, ours}}, 7).fault, HasSubstr("a u32 filter of priority 1 runs before it"));
}

TEST(PaceOf, AClockWithoutItsQdiscOrWithAnother) {
    const auto pace = [](std::uint64_t ticks) { return pace_of({.ticks = ticks, .elapsed = 1s, .tick = 1ms}); };
    EXPECT_EQ(pace(1000), ClockPace::right);
    EXPECT_EQ(pace(300), ClockPace::right) << "a busy machine";
    EXPECT_EQ(pace(2000), ClockPace::right) << "the tick was changed meanwhile";
    EXPECT_EQ(pace(200'000), ClockPace::fast);
    EXPECT_EQ(pace(100), ClockPace::slow);
    EXPECT_EQ(pace_of({.ticks = 1, .elapsed = 1s, .tick = 500ms}), ClockPace::right) << "too few to say";
}

}  // namespace
}  // namespace sidestep
