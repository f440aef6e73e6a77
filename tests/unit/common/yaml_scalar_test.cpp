// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Scalars: what is taken for true, for a number, for nothing.
#include "common/yaml_scalar.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(YamlScalar, BooleansHaveManyNames) {
    for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y", "Y"}) {
        EXPECT_EQ(parse_yaml_bool(text), true) << text;
    }
    for (const char* text : {"false", "False", "FALSE", "no", "off", "Off", "n", "N"}) {
        EXPECT_EQ(parse_yaml_bool(text), false) << text;
    }
    for (const char* text : {"", "tRUE", "TRue", "1", "0", "yes ", "maybe"}) {
        EXPECT_FALSE(parse_yaml_bool(text).has_value()) << text;
    }
}

TEST(YamlScalar, IntegersAreDecimalOrHexadecimal) {
    EXPECT_EQ(parse_yaml_integer("0"), 0);
    EXPECT_EQ(parse_yaml_integer("-17"), -17);
    EXPECT_EQ(parse_yaml_integer("+5"), 5);
    EXPECT_EQ(parse_yaml_integer("0x1F"), 31);
    EXPECT_EQ(parse_yaml_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    for (const char* text : {"", "-", "+-5", "--5", "010", "0x", "0x-1", "1.0", "1e3", "5 ", " 5", "1_000",
                             "9223372036854775808", "five"}) {
        EXPECT_FALSE(parse_yaml_integer(text)) << text;
    }
}

TEST(YamlScalar, NumbersAreFinite) {
    EXPECT_EQ(parse_yaml_number("1500"), 1500.0);
    EXPECT_EQ(parse_yaml_number("-2.5"), -2.5);
    EXPECT_EQ(parse_yaml_number("+1e3"), 1000.0);
    EXPECT_EQ(parse_yaml_number(".5"), 0.5);
    for (const char* text : {"", "--1", ".inf", "inf", "nan", ".nan", "1e999", "1,5", "1ms"}) {
        EXPECT_FALSE(parse_yaml_number(text)) << text;
    }
}

TEST(YamlScalar, NothingHasItsNames) {
    for (const char* text : {"", "~", "null", "Null", "NULL"}) EXPECT_TRUE(is_yaml_null(text)) << text;
    for (const char* text : {"nil", "nULL", "0"}) EXPECT_FALSE(is_yaml_null(text)) << text;
}

}  // namespace
}  // namespace sidestep
