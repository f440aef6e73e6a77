// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests when the kernel's table of neighbors counts as too small.
#include "common/neighbor_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(NeighborTable, CountsEntriesOfTheKernelsStatistics) {
    EXPECT_EQ(neighbors_in_use("entries  allocs   destroys\n000003fe 0000000a 00000006\n000003fe 0000000c 00000000\n"),
              1022U);
    EXPECT_EQ(neighbors_in_use(""), 0U);
    EXPECT_EQ(neighbors_in_use("something else\n00000010\n"), 0U);
}

TEST(NeighborTable, SaysWhatDoesNotFitAndHowItWould) {
    EXPECT_EQ(lack_of_room(std::nullopt, 1'000'000), "");
    EXPECT_EQ(lack_of_room(NeighborTable{.entries = 10, .room = 1024}, 1013), "");
    EXPECT_THAT(lack_of_room(NeighborTable{.entries = 1020, .room = 1024}, 10),
                AllOf(HasSubstr("10 more neighbors do not fit"), HasSubstr("1020 of 1024 entries"),
                      HasSubstr("gc_thresh3=8192"), HasSubstr("gc_thresh2=4096")));
    EXPECT_THAT(lack_of_room(NeighborTable{.entries = 0, .room = 1024}, 20'000), HasSubstr("gc_thresh3=40000"));
}

TEST(NeighborTable, OverflowsByWhatIsThereOrIsNeeded) {
    EXPECT_EQ(overflow(std::nullopt, 1'000'000), "");
    EXPECT_EQ(overflow(NeighborTable{.entries = 1000, .room = 1024}, 1000), "") << "it has them already";
    EXPECT_THAT(overflow(NeighborTable{.entries = 10, .room = 1024}, 1024),
                AllOf(HasSubstr("has room for 1024 neighbors"), HasSubstr("10 are in use, and 1024 sessions need one"),
                      HasSubstr("gc_thresh3=8192")));
    EXPECT_THAT(overflow(NeighborTable{.entries = 10'000, .room = 10'000}, 2), HasSubstr("gc_thresh3=20000"));
}

TEST(NeighborTable, IsTheKernels) {
    const auto table = look_at_neighbor_table();
    if (!table) GTEST_SKIP() << "the kernel does not tell gc_thresh3 here";
    EXPECT_GT(table->room, 0U);
}

}  // namespace
}  // namespace sidestep
