// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests indices of the maps: none is given out twice, or again while packets may still use it.
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "detector/maps/path_store.hpp"

namespace sidestep {
namespace {

TEST(IndexPool, HandsOutEachOnce) {
    IndexPool pool(5, 2);
    std::set<std::uint32_t> taken;
    for (int i = 0; i < 3; ++i) taken.insert(pool.take().value());
    EXPECT_EQ(taken, (std::set<std::uint32_t>{2, 3, 4}));
    EXPECT_EQ(pool.take(), std::nullopt);
}

TEST(IndexPool, ReturnedIndicesRestUntilTheNextTurn) {
    IndexPool pool(2);
    const auto first = pool.take().value();
    pool.take();
    pool.give_back(first);
    EXPECT_EQ(pool.take(), std::nullopt);
    pool.turn();
    EXPECT_EQ(pool.take(), first);
    EXPECT_EQ(pool.take(), std::nullopt);
    pool.turn();
    EXPECT_EQ(pool.take(), std::nullopt) << "given back once, handed out once";
}

}  // namespace
}  // namespace sidestep
