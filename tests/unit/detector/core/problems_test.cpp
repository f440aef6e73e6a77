// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

TEST(Problems, AreNewsOnceUntilTheyChangeOrEnd) {
    Problems problems;
    EXPECT_EQ(problems.update({{"a", "is gone"}}, 1s), (ProblemTexts{{"a", "is gone"}}));
    EXPECT_THAT(problems.update({{"a", "is gone"}}, 2s), IsEmpty());
    EXPECT_EQ(problems.all().at("a").since, 1s);
    EXPECT_EQ(problems.update({{"a", "is back"}, {"b", "x"}}, 3s), (ProblemTexts{{"a", "is back"}, {"b", "x"}}));
    EXPECT_EQ(problems.update({{"b", "x"}}, 4s), (ProblemTexts{{"a", ""}}));
    EXPECT_EQ(problems.all().size(), 1U);
}

}  // namespace
}  // namespace sidestep
