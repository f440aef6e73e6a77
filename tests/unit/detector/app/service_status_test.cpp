// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/service_status.hpp"

#include <gtest/gtest.h>

namespace sidestep {
namespace {

TEST(ServiceStatus, CountsAndNamesWhatIsNotUp) {
    EXPECT_EQ(to_string(ServiceStatus{.sessions = 2, .policies = 1}), "2 of 2 sessions up; 0 of 1 policies rerouting");
    EXPECT_EQ(to_string(ServiceStatus{.sessions = 2, .not_up = {"A-B down"}, .policies = 3, .rerouting = 1}),
              "1 of 2 sessions up (A-B down); 1 of 3 policies rerouting");
    EXPECT_EQ(to_string(ServiceStatus{.sessions = 4, .not_up = {"a down", "b wait", "c down", "d down"}}),
              "0 of 4 sessions up (a down, b wait, c down, ...); 0 of 0 policies rerouting");
}

}  // namespace
}  // namespace sidestep
