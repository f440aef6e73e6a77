// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what a measurement adds up to, by numbers that can be checked by hand.
#include "cli/measure_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

MeasuredAnswer round_trip(Nanoseconds time) {
    return {.round_trip = time};
}

TEST(Measurement, CountsLossDuplicatesAndDisorder) {
    Measurement measurement("fd00::1");
    for (int i = 0; i < 5; ++i) measurement.note_sent();
    for (const std::uint32_t number : {0U, 2U, 1U, 2U}) measurement.note(number, round_trip(1ms));
    const auto result = measurement.to_json();
    EXPECT_EQ(result.at("sent"), 5);
    EXPECT_EQ(result.at("answered"), 3);
    EXPECT_EQ(result.at("lost"), 2);
    EXPECT_EQ(result.at("duplicates"), 1);
    EXPECT_EQ(result.at("out_of_order"), 1);
    EXPECT_FALSE(measurement.complete());
    EXPECT_THAT(measurement.to_text(),
                HasSubstr("fd00::1: 5 sent, 3 answered, 2 lost (40.0 %), 1 duplicates, 1 out of"));
}

TEST(Measurement, HasPercentilesByNearestRank) {
    Measurement measurement("x");
    for (std::uint32_t i = 0; i < 100; ++i) {
        measurement.note_sent();
        measurement.note(i, round_trip(std::chrono::microseconds(i + 1)));
    }
    const auto trip = measurement.to_json().at("round_trip_us");
    EXPECT_EQ(trip.at("least"), 1.0);
    EXPECT_EQ(trip.at("median"), 50.0);
    EXPECT_EQ(trip.at("p90"), 90.0);
    EXPECT_EQ(trip.at("p99"), 99.0);
    EXPECT_EQ(trip.at("most"), 100.0);
    EXPECT_EQ(trip.at("average"), 50.5);
    EXPECT_EQ(measurement.to_json().at("variation_us").at("most"), 1.0);
    EXPECT_TRUE(measurement.complete());
}

TEST(Measurement, ComparesOnlySuccessivePackets) {
    Measurement measurement("x");
    measurement.note(0, round_trip(10us));
    measurement.note(1, round_trip(7us));
    measurement.note(3, round_trip(100us));  // the one before it was lost
    EXPECT_EQ(measurement.to_json().at("variation_us").at("most"), 3.0);
}

TEST(Measurement, PrintsOneWayDelaysOnlyIfThereAreAny) {
    Measurement measurement("x");
    measurement.note_sent();
    measurement.note(0, round_trip(10us));
    EXPECT_FALSE(measurement.to_json().contains("there_us"));
    EXPECT_THAT(measurement.to_text(), Not(HasSubstr("one way")));
    measurement.note_sent();
    measurement.note(1, {.round_trip = 10us, .there = -2us, .back = 12us, .clock_error = 1ms});
    const auto result = measurement.to_json();
    EXPECT_EQ(result.at("there_us").at("median"), -2.0);
    EXPECT_EQ(result.at("back_us").at("median"), 12.0);
    EXPECT_EQ(result.at("clock_error_us"), 1000.0);
    EXPECT_THAT(measurement.to_text(), HasSubstr("one way there    median -2 us"));
    EXPECT_THAT(measurement.to_text(), HasSubstr("+/- 1 ms"));
}

TEST(Measurement, OfNothingIsEmpty) {
    Measurement measurement("x");
    measurement.note_unsent("Network is unreachable");
    EXPECT_EQ(measurement.to_text(), "x: 0 sent, 0 answered, 0 lost (0.0 %)\n1 not sent: Network is unreachable\n");
    EXPECT_EQ(measurement.to_json().at("not_sent").at("Network is unreachable"), 1);
}

}  // namespace
}  // namespace sidestep
