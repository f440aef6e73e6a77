// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The daemon's answers as tables, whole and with everything missing.
#include "cli/report.hpp"

#include <cstdlib>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using nlohmann::json;

TEST(Report, Status) {
    const auto answer = json::parse(R"({"node": "A", "version": "0.1.0", "pid": 42, "uptime_ms": 90500,
        "attached": "tcx", "clock": {"kind": "process", "tick_us": 250, "ticks": 362000, "longest_gap_us": 1312.5, "probes_missed": 4},
        "detector": {"longest_lateness_us": 80}, "sessions": {"up": 2, "down": 1, "init": 0, "wait": 0, "admin-down": 0},
        "policies": 3, "rerouting": 1, "rejected_probes": {"bad-mac": 7, "too-old": 0},
        "counters": {"repaired": 1000, "too-big": 0}})");
    EXPECT_EQ(report_status(answer), R"(node                              A
version                           0.1.0
pid                               42
uptime                            90.5 s
attached by                       tcx
clock                             process
tick                              250 us
ticks                             362000
longest gap between ticks         1.312 ms
probes that the clock missed      4
longest lateness of the detector  80 us
sessions                          2 up, 1 down
policies                          3
policies rerouting now            1
rejected probes                   7 bad-mac

COUNTER   PACKETS
repaired     1000
too-big         0
)");
}

TEST(Report, StatusOfANodeThatObserves) {
    EXPECT_THAT(report_status(json{{"observed", 3}}), testing::HasSubstr("policies only observed            3\n"));
    EXPECT_THAT(report_status(json{{"observed", 0}}), testing::Not(testing::HasSubstr("observed")));
}

TEST(Report, StatusOfXdp) {
    const auto answer = json::parse(R"({"attached": "tcx", "xdp": [
        {"interface": "to-B", "xdp": true, "tc": false, "because": ""},
        {"interface": "to-C", "xdp": true, "tc": true, "because": "to-D is not an XDP redirect target"},
        {"interface": "to-D", "xdp": false, "tc": true, "because": "to-D is not an XDP redirect target"},
        {"interface": "to-E", "xdp": false, "tc": false, "because": "the interface is gone"}]})");
    EXPECT_THAT(report_status(answer), testing::HasSubstr(R"(
attached by                       tcx
XDP of to-B                       attached
XDP of to-C                       attached, and tc too: to-D is not an XDP redirect target
XDP of to-D                       tc instead: to-D is not an XDP redirect target
XDP of to-E                       the interface is gone
)"));
}

TEST(Report, StatusNamesProblems) {
    const auto answer = json::parse(R"({"problems": [
        {"about": "interface to-Z", "problem": "does not exist", "age_ms": 5.0}]})");
    EXPECT_THAT(report_status(answer),
                testing::HasSubstr("problem                           interface to-Z: does not exist\n"));
}

TEST(Report, Sessions) {
    const auto answer = json::parse(R"({"sessions": [
        {"name": "A-B", "state": "up", "reason": "none", "interface": "to-B", "neighbor": "fe80::b", "interval_us": 1000,
         "multiplier": 3, "sent": 5000, "answered": 4999, "rtt_us": 31.27, "allowance_us": 200,
         "last_answer_age_us": 412, "wait_left_ms": 0, "lost_of_64": 3, "penalty": 1000.0, "downs": 1},
        {"name": "A-C", "state": "wait", "reason": "unanswered"}]})");
    EXPECT_EQ(
        report_sessions(answer),
        "SESSION  STATE  REASON      INTERFACE  NEIGHBOR  INTERVAL(ms)  MULT  SENT  ANSWERED  RTT(us)  ALLOWANCE(us)  "
        "LAST-ANSWER(ms ago)  LOST/64  WAIT(ms)  PENALTY  DOWNS\n"
        "A-B      up     none        to-B       fe80::b          1.000     3  5000      4999     31.3            200  "
        "              0.412        3         0     1000      1\n"
        "A-C      wait   unanswered  -          -                    -     -     -         -        -              -  "
        "                  -        -         -        -      -\n");
}

TEST(Report, Policies) {
    const auto answer = json::parse(R"({"policies": [
        {"name": "to-D", "prefixes": ["2001:db8:d::/48", "2001:db8:e::/48"], "candidates": [
          {"index": 0, "state": "down", "active": false, "packets": 0, "bytes": 0, "lists": [
            {"adjacency": "A-B", "encap": "plain", "segments": [], "probed": "whole", "refused": null}]},
          {"index": 1, "state": "up", "active": true, "packets": 12345, "bytes": 1234500, "drops": {"too-big": 3},
           "lists": [{"adjacency": "A-C", "encap": "h.encaps", "segments": ["fd00:c::", "fd00:b:d6::"],
                      "probed": "first-link", "refused": "fd00:c::1 has no route to fd00:b:d6::"}]},
          {"index": 2, "state": "up", "active": false, "packets": 7, "bytes": 700, "lists": [
            {"adjacency": "A-C", "encap": "plain", "segments": [], "weight": 3, "probed": "whole", "state": "up"},
            {"adjacency": "A-E", "encap": "plain", "segments": [], "weight": 1, "probed": "whole", "state": "down"}]}],
         "drops": {"no-candidate": 2}},
        {"name": "empty"}]})");
    EXPECT_EQ(
        report_policies(answer),
        R"(POLICY  PREFIXES                         CANDIDATE  ACTIVE  STATE         PROBED      ADJACENCY  ENCAP     SEGMENTS              WEIGHT  PACKETS    BYTES  DROPS
to-D    2001:db8:d::/48,2001:db8:e::/48          0          down          whole       A-B        plain                                         0        0
                                                 1  *       up (refused)  first-link  A-C        h.encaps  fd00:c:: fd00:b:d6::            12345  1234500  3 too-big
                                                 2          up            whole       A-C        plain                                3        7      700
                                                            down          whole       A-E        plain                                1
                                              none                                                                                                         2 no-candidate
empty
)");
}

TEST(Report, WhatMergingSidsHaveSeen) {
    const auto text = report_policies(json::parse(R"({"policies": [], "merging": [
        {"sid": "fd00:a:0:7::/64", "flow": 7, "list": 1, "first": 20, "later": 9, "too_old": 0, "missed": 3,
         "behind_us": 250.5}]})"));
    EXPECT_EQ(text,
              "MERGING           FLOW  LIST  FIRST  LATER  TOO-OLD  MISSED  BEHIND(us)\n"
              "fd00:a:0:7::/64      7     1     20      9        0       3       250.5\n");
}

TEST(Report, Routing) {
    const auto text = report_routing(json::parse(R"({"source": "a.yaml", "node": "A", "problem": null, "policies": 9,
        "computed_us": 1500, "hold_left_ms": null, "warnings": ["link A-Z has no adjacency"]})"));
    EXPECT_NE(text.find(" 1.5 ms\n"), std::string::npos) << text;
    EXPECT_NE(text.find("warning: link A-Z has no adjacency\n"), std::string::npos) << text;
    EXPECT_FALSE(report_routing(json::parse("7")).empty());
}

TEST(Report, EventsTellTimeAndEvidence) {
    setenv("TZ", "UTC", 1);
    tzset();
    const auto answer = json::parse(R"({"events": [
        {"time_ns": 1700000000123456789, "session": "A-B", "event": "dead", "state": "down", "reason": "unanswered",
         "evidence": {"last_answer_ns": 1000000000, "verdict_ns": 1003312000, "last_sequence_sent": 104,
                      "last_sequence_answered": 101, "clock_gap_us": 262}},
        {"time_ns": 5000001000, "session": "A-B", "event": "alive", "state": "wait", "reason": "unanswered"}]})");
    EXPECT_EQ(report_events(answer),
              "TIME                        SESSION       EVENT             STATE       REASON           SILENCE(ms)  "
              "UNANSWERED  CLOCK-GAP(us)\n"
              "2023-11-14 22:13:20.123456  A-B           dead              down        unanswered             3.312  "
              "         3            262\n"
              "5.000001                    A-B           alive             wait        unanswered                 -  "
              "         -              -\n");
    EXPECT_EQ(report_events(answer.at("events").at(1), false),
              "5.000001                    A-B           alive             wait        unanswered                 -  "
              "         -              -\n");
}

TEST(Report, EventsTellTheTimeAsTheDaemonPutsIt) {
    const auto text = report_events(json::parse(R"({"session": "A-B", "time": "12:34:56", "time_ns": 1})"), false);
    EXPECT_EQ(text.substr(0, text.find(' ')), "12:34:56");
}

TEST(Report, ToleratesWhatIsMissingOrOfAnotherKind) {
    for (const char* text :
         {"{}", "[]", "null", "7", R"({"sessions": 1, "policies": {}, "events": "x", "clock": []})"}) {
        const auto answer = json::parse(text);
        EXPECT_NE(report_status(answer).find("node "), std::string::npos);
        EXPECT_EQ(report_sessions(answer), "no sessions\n");
        EXPECT_EQ(report_policies(answer), "no policies\n");
        EXPECT_EQ(report_events(answer, false), "");
    }
    const auto odd = json::parse(R"({"sessions": [null, {"name": {}, "rtt_us": "fast", "interval_us": "x"}],
        "policies": [3, {"name": [], "prefixes": 1, "candidates": [null]}], "events": [{"time_ns": "now"}, []],
        "uptime_ms": -1, "clock": {"tick_us": 1e300}, "rejected_probes": {"a": null}})");
    EXPECT_NE(report_status(odd).find("uptime                            -\n"), std::string::npos);
    EXPECT_NE(report_sessions(odd).find("fast"), std::string::npos);
    EXPECT_FALSE(report_policies(odd).empty());
    EXPECT_FALSE(report_events(odd).empty());
}

}  // namespace
}  // namespace sidestep
