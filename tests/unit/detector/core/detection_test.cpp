// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the detection times that follow from a session's settings.
#include "detector/core/detection.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST(Detection, DefaultSettingsAreDownWithinFourMilliseconds) {
    const auto times = detection_times(ProbeSettings{}, 250us);
    EXPECT_EQ(times.shortest, 2200us);
    EXPECT_EQ(times.longest, 2450us);
    EXPECT_EQ(times.from_failure, 3450us);
    EXPECT_EQ(times.restore, 5002ms);
}

TEST(Detection, OneProbeIsEnoughWithMultiplierOne) {
    ProbeSettings probe;
    probe.interval = 10ms;
    probe.multiplier = 1;
    probe.up_count = 1;
    probe.allowance = 50ms;
    const auto times = detection_times(probe, 2500us);
    EXPECT_EQ(times.shortest, 50ms);
    EXPECT_EQ(times.from_failure, 62500us);
    EXPECT_EQ(times.restore, 5s);
}

TEST(Detection, TheAllowanceIsAFifthOfTheIntervalButNeverBelowWhatAHostNeeds) {
    EXPECT_EQ(default_allowance(1ms), 200us);
    EXPECT_EQ(default_allowance(100us), 100us);
    ProbeSettings probe;
    probe.allowance = 30us;
    EXPECT_EQ(allowance_of(probe), 30us);
}

TEST(Detection, TheShortestIntervalSetsTheTickOfAll) {
    Config config;
    config.adjacencies.resize(2);
    config.adjacencies[0].probe.interval = 10ms;
    config.adjacencies[1].probe.interval = 2ms;
    EXPECT_EQ(tick_of(config), 500us);
}

}  // namespace
}  // namespace sidestep
