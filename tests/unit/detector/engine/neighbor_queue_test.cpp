// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/engine/neighbor_queue.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Nanoseconds kStart = 100s;

NeighborKey neighbor(int number) {
    return {number, *Address::parse("fe80::b")};
}

TEST(NeighborQueue, AsksAtOnceAndOnceASecond) {
    NeighborQueue queue;
    queue.add(neighbor(1));
    queue.add(neighbor(1));
    EXPECT_THAT(queue.take(kStart), ElementsAre(neighbor(1)));
    EXPECT_TRUE(queue.empty());
    queue.add(neighbor(1));
    queue.add(neighbor(2));
    EXPECT_THAT(queue.take(kStart + 1ms), ElementsAre(neighbor(2)));
    EXPECT_THAT(queue.take(kStart + 999ms), IsEmpty());
    EXPECT_THAT(queue.take(kStart + 1s), ElementsAre(neighbor(1)));
}

TEST(NeighborQueue, ThousandsAreSpreadAndNoneIsForgotten) {
    NeighborQueue queue;
    std::map<NeighborKey, Nanoseconds> last;
    for (auto now = kStart; now < kStart + 20s; now += 100ms) {
        if (queue.empty()) {
            for (int i = 0; i < 4096; ++i) queue.add(neighbor(i));
        }
        const auto due = queue.take(now);
        EXPECT_LE(due.size(), NeighborQueue::kAtOnce);
        EXPECT_THAT(queue.take(now + 1ms).size() + due.size(), testing::Le(NeighborQueue::kAtOnce));
        for (const auto& one : due) {
            EXPECT_TRUE(!last.contains(one) || now - last[one] >= 1s);
            last[one] = now;
        }
    }
    ASSERT_EQ(last.size(), 4096U);
    for (const auto& [one, when] : last) EXPECT_GT(when, kStart + 12s) << one.first;
}

}  // namespace
}  // namespace sidestep
