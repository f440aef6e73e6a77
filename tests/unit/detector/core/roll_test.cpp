// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests mark and sweep over what the kernel reports.
#include "detector/core/roll.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Roll, WhatADumpDoesNotNameIsGone) {
    Roll<int, std::string> roll;
    roll.present(1, "a");
    roll.present(2, "b");
    roll.present(3, "c");
    roll.doubt();
    roll.present(2, "b");
    EXPECT_THAT(roll.sweep(), ElementsAre(Pair(1, "a"), Pair(3, "c")));
    EXPECT_EQ(roll.size(), 1U);
    EXPECT_THAT(roll.sweep(), IsEmpty()) << "it is told once";
}

TEST(Roll, WhatWasToldToBeGoneIsNotToldAgain) {
    Roll<int, std::string> roll;
    roll.present(1, "a");
    roll.gone(1);
    roll.doubt();
    EXPECT_THAT(roll.sweep(), IsEmpty());
}

TEST(Roll, ARepeatedDumpStartsAnew) {
    Roll<int, std::string> roll;
    roll.present(1, "a");
    roll.doubt();
    roll.present(1, "a");
    roll.doubt();
    EXPECT_THAT(roll.sweep(), ElementsAre(Pair(1, "a")));
}

TEST(Roll, TheLastValueIsTold) {
    Roll<int, std::string> roll;
    roll.present(1, "old");
    roll.present(1, "new");
    roll.doubt();
    EXPECT_THAT(roll.sweep(), ElementsAre(Pair(1, "new")));
}

}  // namespace
}  // namespace sidestep
