// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the sentence about sessions that did not come up.
#include "topo/why_not_up.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sidestep::topo {
namespace {

using nlohmann::json;

TEST(WhyNotUp, NamesSessionsAndCauses) {
    const json sessions{{"sessions",
                         {{{"name", "A-B"}, {"state", "init"}, {"reason", nullptr}},
                          {{"name", "A-C"}, {"state", "up"}},
                          {{"name", "A-D"}, {"state", "down"}, {"reason", "carrier-lost"}}}}};
    const json status{{"problems", {{{"about", "session A-B"}, {"problem", "3000 probes sent, none came back"}}}}};
    EXPECT_EQ(why_not_up(sessions, status),
              "A-B is init, 3000 probes sent, none came back; A-D is down (carrier-lost)");
    EXPECT_EQ(why_not_up(sessions, nullptr), "A-B is init; A-D is down (carrier-lost)");
    EXPECT_EQ(why_not_up(json::object(), json::object()), "it has no sessions");
}

}  // namespace
}  // namespace sidestep::topo
