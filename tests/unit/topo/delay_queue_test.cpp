// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When frames leave a slow link. A frame is one byte: its name.
#include "topo/delay_queue.hpp"

#include <array>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep::topo {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

DelayQueue::Frame named(char name) {
    return {static_cast<std::byte>(name)};
}

/// What is due by now, in its order.
std::vector<char> leaving(DelayQueue& queue, std::int64_t now_ns) {
    std::vector<char> names;
    while (const auto frame = queue.pop(now_ns)) names.push_back(static_cast<char>(frame->front()));
    return names;
}

/// How long each of so many frames takes that enter this far apart, by number.
std::vector<std::int64_t> times(const DelaySpec& spec, std::size_t count, std::int64_t apart_ns) {
    DelayQueue queue(spec);
    std::vector<std::int64_t> took(count);
    for (std::size_t i = 0; i < count; ++i) {
        DelayQueue::Frame frame(sizeof i);
        std::memcpy(frame.data(), &i, sizeof i);
        queue.push(std::move(frame), static_cast<std::int64_t>(i) * apart_ns);
    }
    while (const auto due = queue.next_due_ns()) {
        std::size_t number = 0;
        std::memcpy(&number, queue.pop(*due)->data(), sizeof number);
        took[number] = *due - static_cast<std::int64_t>(number) * apart_ns;
    }
    return took;
}

TEST(DelayQueue, AFrameLeavesWhenItsDelayIsOver) {
    DelayQueue queue({.delay = 10ns});
    EXPECT_EQ(queue.next_due_ns(), std::nullopt);
    queue.push(named('a'), 100);
    queue.push(named('b'), 103);
    EXPECT_EQ(queue.next_due_ns(), 110);
    EXPECT_THAT(leaving(queue, 109), IsEmpty());
    EXPECT_THAT(leaving(queue, 110), ElementsAre('a'));
    EXPECT_EQ(queue.latest(), 0ns);
    EXPECT_EQ(queue.next_due_ns(), 113);
    EXPECT_THAT(leaving(queue, 200), ElementsAre('b'));
    EXPECT_EQ(queue.latest(), 87ns);
    EXPECT_EQ(queue.size(), 0U);
}

TEST(DelayQueue, FramesOfOneInstantKeepTheirOrder) {
    for (const bool reorder : {false, true}) {
        DelayQueue queue({.delay = 10ns, .reorder = reorder});
        for (const char name : {'a', 'b', 'c', 'd', 'e'}) queue.push(named(name), 100);
        EXPECT_THAT(leaving(queue, 110), ElementsAre('a', 'b', 'c', 'd', 'e'));
    }
}

TEST(DelayQueue, JitterIsSpreadEvenlyAroundTheDelay) {
    const auto took = times({.delay = 1000ns, .jitter = 400ns, .reorder = true}, 20'000, 1);
    std::array<int, 4> quarters{};
    for (const auto time : took) {
        ASSERT_GE(time, 600);
        ASSERT_LE(time, 1400);
        ++quarters.at(static_cast<std::size_t>(std::min<std::int64_t>(time - 600, 799)) / 200);
    }
    for (const int count : quarters) EXPECT_NEAR(count, 5'000, 300);
}

TEST(DelayQueue, OrderIsKeptByWaitingForThoseBefore) {
    const DelaySpec spec{.delay = 1000ns, .jitter = 400ns};
    const auto took = times(spec, 1'000, 10);
    for (std::size_t i = 0; i + 1 < took.size(); ++i) ASSERT_LE(took[i], took[i + 1] + 10) << i;
    const auto apart = times(spec, 1'000, 1'000);  // no frame meets another one
    auto free = spec;
    free.reorder = true;
    EXPECT_EQ(apart, times(free, 1'000, 1'000));
}

TEST(DelayQueue, FramesOvertakeEachOtherIfTheyMay) {
    const auto took = times({.delay = 1000ns, .jitter = 400ns, .reorder = true}, 1'000, 10);
    int overtaken = 0;
    for (std::size_t i = 0; i + 1 < took.size(); ++i) overtaken += took[i] > took[i + 1] + 10 ? 1 : 0;
    EXPECT_GT(overtaken, 300);
}

TEST(DelayQueue, TheSeedDecides) {
    DelaySpec spec{.delay = 1000ns, .jitter = 400ns, .seed = 7};
    const auto one = times(spec, 100, 1'000);
    EXPECT_EQ(one, times(spec, 100, 1'000));
    spec.seed = 8;
    EXPECT_NE(one, times(spec, 100, 1'000));
}

TEST(DelayQueue, NothingTakesLessThanNoTime) {
    for (const auto time : times({.delay = 10ns, .jitter = 400ns, .reorder = true}, 1'000, 1)) ASSERT_GE(time, 0);
}

TEST(DelayQueue, AFrameTooManyIsDroppedAndCounted) {
    DelayQueue queue({.delay = 10ns}, 2);
    for (const char name : {'a', 'b', 'c'}) queue.push(named(name), 100);
    EXPECT_EQ(queue.dropped(), 1U);
    EXPECT_THAT(leaving(queue, 110), ElementsAre('a', 'b'));
    queue.push(named('d'), 120);
    EXPECT_THAT(leaving(queue, 130), ElementsAre('d'));
    EXPECT_EQ(queue.dropped(), 1U);
}

TEST(DelayQueue, WhatIsReleasedLeavesAtOnceInItsOrder) {
    DelayQueue queue({.delay = 10ns});
    queue.push(named('a'), 100);
    queue.push(named('b'), 105);
    queue.release();
    EXPECT_THAT(leaving(queue, 106), ElementsAre('a', 'b'));
    queue.push(named('c'), 107);
    EXPECT_THAT(leaving(queue, 107), ElementsAre('c'));
}

}  // namespace
}  // namespace sidestep::topo
