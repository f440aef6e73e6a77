// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the page of `sidestep why`, and which events `sidestep events` picks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/event_filter.hpp"
#include "cli/report_why.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(ReportWhy, IsOnePage) {
    const auto text = report_why(json::parse(R"({"destination": "2001:db8:d::1", "prefix": "2001:db8:d::/48",
        "why": "candidate 1 is left",
        "policy": {"name": "to-D", "prefixes": ["2001:db8:d::/48"], "candidates": [
            {"index": 0, "state": "down", "adjacency": "A-B", "encap": "plain", "segments": [], "active": false},
            {"index": 1, "state": "up", "adjacency": "A-C", "encap": "h-encaps", "segments": ["fd00:c::"], "active": true,
             "packets": 7}]},
        "sessions": [{"name": "A-B", "state": "down", "reason": "unanswered",
                      "last_event": {"session": "A-B", "event": "down", "reason": "unanswered"}}],
        "fib": {"type": "unicast", "interface": "to-B", "gateway": "fe80::b", "table": 254, "protocol": 11}})"));
    EXPECT_THAT(text, testing::StartsWith("destination  2001:db8:d::1\n"));
    EXPECT_THAT(text, HasSubstr("\nprefix       2001:db8:d::/48\n"));
    EXPECT_THAT(text, HasSubstr("\nwhy          candidate 1 is left\n"));
    EXPECT_THAT(text, HasSubstr("\nFIB          unicast via fe80::b dev to-B table 254 protocol 11\n"));
    EXPECT_THAT(text, testing::ContainsRegex("1 +\\* +up +- +A-C +h-encaps +fd00:c::"));
    EXPECT_THAT(text, testing::ContainsRegex("\nA-B +down +unanswered"));
    EXPECT_THAT(text, HasSubstr("last event of each session:"));
}

TEST(ReportWhy, SaysWhatThereIs) {
    const auto text = report_why(json::parse(
        R"({"destination": "::1", "prefix": null, "why": "none", "policy": null, "sessions": [], "fib": {"error": "no route"}})"));
    EXPECT_THAT(text, HasSubstr("\nFIB          no route\n"));
    EXPECT_THAT(text, Not(HasSubstr("SESSION")));
    EXPECT_THAT(report_why(json::object()), HasSubstr("destination  -\n"));
    EXPECT_THAT(report_why(json::parse(R"({"policy": {}, "sessions": [5], "fib": 7})")), HasSubstr("FIB          -\n"));
}

TEST(EventFilter, GoesOnAfterTheLastOne) {
    const auto event = [](const char* session, int time) { return json{{"session", session}, {"time_ns", time}}; };
    const json all{event("A", 5), event("B", 9), event("C", 7), event("D", 9)};
    EXPECT_EQ(events_after(all, event("B", 9)), json({event("C", 7), event("D", 9)})) << "in their order, not by time";
    EXPECT_EQ(events_after(all, event("D", 9)), json::array());
    EXPECT_EQ(events_after(all, event("Z", 8)), json({event("B", 9), event("D", 9)})) << "it is no longer there";
}

TEST(EventFilter, PicksBySessionAndTime) {
    const auto answer =
        json::parse(R"({"events": [{"session": "A-B", "time_ns": 100}, {"session": "A-C", "time_ns": 200},
                                                   {"session": "A-B", "time_ns": 300}, {"session": 7}, 5]})");
    EXPECT_EQ((EventFilter{.session = ""}.apply(answer)["events"].size()), 4U);
    EXPECT_EQ((EventFilter{.session = "A-B"}.apply(answer)["events"].size()), 2U);
    EXPECT_EQ((EventFilter{.session = "A-B", .from = Nanoseconds(200)}.apply(answer)["events"]),
              json::parse(R"([{"session": "A-B", "time_ns": 300}])"));
    EXPECT_EQ(EventFilter{.session = "A-B"}.apply(json{{"error", "x"}}), (json{{"error", "x"}}));
}

}  // namespace
}  // namespace sidestep
