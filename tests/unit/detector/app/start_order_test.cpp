// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The order in which the daemon starts and ends, with parts that only note what they are asked for.
#include "detector/app/start_order.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using enum StartStep;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class NotedParts : public StartParts {
  public:
    Result<void> take(StartStep step) override {
        taken.push_back(step);
        if (step == throws) throw std::runtime_error("thrown");
        return step == fails ? fail("failed") : Result<void>();
    }
    void undo(StartStep step) override { undone.push_back(step); }

    std::vector<StartStep> taken;
    std::vector<StartStep> undone;
    std::optional<StartStep> fails;
    std::optional<StartStep> throws;
};

/// From the beginning to `step`, backwards.
std::vector<StartStep> back_from(StartStep step) {
    std::vector<StartStep> steps(kStartOrder.begin(), std::ranges::find(kStartOrder, step) + 1);
    std::ranges::reverse(steps);
    return steps;
}

TEST(StartOrder, LocksBeforeItLoadsAndProbesLast) {
    NotedParts parts;
    StartOrder order(parts);
    ASSERT_TRUE(order.advance(clock));
    EXPECT_THAT(parts.taken,
                ElementsAre(process, netns, node, api, bpffs, programs, engine, kernel, hooks, routes, clock));
    EXPECT_THAT(parts.undone, IsEmpty());
}

TEST(StartOrder, EndsInReverse) {
    NotedParts parts;
    StartOrder order(parts);
    ASSERT_TRUE(order.advance(clock));
    order.undo();
    EXPECT_THAT(parts.undone,
                ElementsAre(clock, routes, hooks, kernel, engine, programs, bpffs, api, node, netns, process))
        << "traffic is left alone before the programs go, and the locks are the last to go";
    order.undo();
    EXPECT_EQ(parts.undone.size(), kStartOrder.size()) << "once";
}

// A step may fail when half of it is done, so it is undone, too.
TEST(StartOrder, AFailureAtAnyStepUndoesItAndAllBefore) {
    for (const auto step : kStartOrder) {
        SCOPED_TRACE(static_cast<int>(step));
        NotedParts parts;
        parts.fails = step;
        StartOrder order(parts);
        const auto started = order.advance(clock);
        ASSERT_FALSE(started);
        EXPECT_EQ(started.error().message, "failed");
        EXPECT_EQ(parts.taken.back(), step) << "nothing is carried out after it";
        order.undo();
        EXPECT_THAT(parts.undone, ElementsAreArray(back_from(step)));
    }
}

TEST(StartOrder, AnExceptionIsAFailure) {
    for (const auto step : kStartOrder) {
        NotedParts parts;
        parts.throws = step;
        StartOrder order(parts);
        EXPECT_THROW((void)order.advance(clock), std::runtime_error);
        order.undo();
        EXPECT_THAT(parts.undone, ElementsAreArray(back_from(step)));
    }
}

TEST(StartOrder, WaitsWhereTrafficIsNotChangedYet) {
    NotedParts parts;
    StartOrder order(parts);
    ASSERT_TRUE(order.advance(kLastUnseen));
    EXPECT_EQ(parts.taken.back(), kernel);
    parts.taken.clear();
    ASSERT_TRUE(order.advance(clock));
    EXPECT_THAT(parts.taken, ElementsAre(hooks, routes, clock)) << "goes on where it waited";
    ASSERT_TRUE(order.advance(clock));
    EXPECT_EQ(parts.taken.size(), 3U) << "nothing twice";
}

TEST(StartOrder, AnEndWhileItWaitsLeavesHooksAlone) {
    NotedParts parts;
    StartOrder order(parts);
    ASSERT_TRUE(order.advance(kLastUnseen));
    order.undo();
    EXPECT_THAT(parts.undone, ElementsAreArray(back_from(kernel)));
}

// Its hooks, routes and clock go on while this one waits. An end removes them all the same.
TEST(StartOrder, AnEndRemovesWhatAPredecessorMade) {
    NotedParts parts;
    StartOrder order(parts);
    ASSERT_TRUE(order.advance(programs));
    order.adopt();
    ASSERT_TRUE(order.advance(kLastUnseen));
    EXPECT_EQ(parts.taken.back(), kernel) << "adopted steps are carried out nevertheless";
    order.undo();
    EXPECT_THAT(parts.undone, ElementsAreArray(back_from(clock)));
}

}  // namespace
}  // namespace sidestep
