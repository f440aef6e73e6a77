// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Columns that line up.
#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(Table, AlignsWordsLeftAndNumbersRight) {
    Table table({{"NAME"}, {"RTT(us)", Table::Align::right}, {"STATE"}});
    table.add({"A-B", "123", "up"});
    table.add({"a-long-name", "4", "down"});
    EXPECT_EQ(table.to_string(),
              "NAME         RTT(us)  STATE\n"
              "A-B              123  up\n"
              "a-long-name        4  down\n");
}

TEST(Table, RowsMayBeShortAndTitlesLeftOut) {
    Table table({{"A", Table::Align::left, 4}, {"B"}});
    EXPECT_TRUE(table.empty());
    table.add({"x"});
    table.add({});
    table.add({"y", "z"});
    EXPECT_FALSE(table.empty());
    EXPECT_EQ(table.to_string(false), "x\n\ny     z\n");
}

TEST(Table, CountsCharacters) {
    Table table({{"A"}, {"B"}});
    table.add({"\xc3\xa4\xc3\xb6", "x"});
    table.add({"abc", "y"});
    EXPECT_EQ(table.to_string(false), "\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

}  // namespace
}  // namespace sidestep
