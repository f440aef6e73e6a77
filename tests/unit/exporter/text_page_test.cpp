// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the text format: what it escapes, and how it writes numbers.
#include "exporter/text_page.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep::exporter {
namespace {

using testing::ElementsAre;

constexpr Family kOne{"one", FamilyType::gauge, "The first."};
constexpr Family kTwo{"two", FamilyType::counter, "The second."};

std::string value(double number) {
    std::string text;
    append_value(text, number);
    return text;
}

TEST(TextPage, FamiliesAreSortedAndHaveTheirSamplesTogether) {
    TextPage page;
    page.add(kTwo, label("a", "x"), 2);
    page.add(kOne, label("a", "x"), 1);
    page.add(kTwo, label("a", "y"), 0.5);
    EXPECT_THAT(page.take(), ElementsAre("# HELP one The first.\n# TYPE one gauge\none{a=\"x\"} 1\n",
                                         "# HELP two The second.\n# TYPE two counter\n"
                                         "two{a=\"x\"} 2\ntwo{a=\"y\"} 0.5\n"));
    EXPECT_TRUE(page.take().empty());
}

TEST(TextPage, LabelsAreEscaped) {
    EXPECT_EQ(label("a", "b\\c\"d\ne"), R"(a="b\\c\"d\ne")");
}

TEST(TextPage, NumbersAreWhatPrometheusReads) {
    EXPECT_EQ(value(0), "0");
    EXPECT_EQ(value(-1), "-1");
    EXPECT_EQ(value(1.6e-05), "1.6e-05");
    EXPECT_EQ(value(1700000000.5), "1700000000.5");
    EXPECT_EQ(value(12345678901234.0), "12345678901234");
    EXPECT_EQ(value(1e20), "1e+20");
    EXPECT_EQ(value(std::numeric_limits<double>::quiet_NaN()), "nan");
}

}  // namespace
}  // namespace sidestep::exporter
