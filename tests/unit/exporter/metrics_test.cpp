// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which metrics answers become, as a scrape shows them.
#include "exporter/metrics.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/collector.hpp"

namespace sidestep::exporter {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string scrape(const std::vector<NodeAnswers>& nodes) {
    std::string text;
    for (const auto& family : metrics_of(nodes)) text += family;
    return text;
}

NodeAnswers answers() {
    NodeAnswers node{.node = "A"};
    node.status = json::parse(R"({"node": "A", "version": "0.1.0",
        "clock": {"recent_gap_us": 260.5, "probes_missed": 3},
        "rejected_probes": {"bad-mac": 2},
        "problems": [{"about": "session A-B", "problem": "10 probes sent", "age_ms": 5}],
        "counters": {"repaired": 7, "plain": 1000, "too-big": 4, "no-candidate": 5, "not-in-domain": 0}})");
    node.metrics = json::parse(R"({
        "kinds": ["adjacency", "path", "passive"], "reasons": ["none", "unanswered"],
        "states": ["init", "up", "down", "wait", "admin-down", "degraded"],
        "sessions": {
            "columns": ["name", "kind", "interface", "state", "sent", "lost", "last_change_ms", "downs", "rtt"],
            "rows": [["A-B", 0, "to-B", 2, 100, 9, 1700000000500, [1, 2], [3, 80, 4, 10, 21, 1]],
                     ["from-C", 2, "to-C", 5, 50, 0, null, [], []]]},
        "policies": {"columns": ["name", "active", "copies", "undrained_active", "undrained_copies"],
                     "rows": [["to-D", 1, null, 0, null], ["to-E", -1, 0, null, 2]]},
        "merging": [{"sid": "fd00:a:0:7::/64", "flow": 7, "list": 1, "first": 20, "later": 9, "too_old": 0, "missed": 3,
                     "behind_us": 250.0}]})");
    node.routing = json::parse(R"({"refreshed_age_ms": 1500, "problem": null})");
    return node;
}

TEST(Metrics, OfTheNode) {
    const auto text = scrape({answers()});
    EXPECT_THAT(text, HasSubstr("# TYPE sidestep_up gauge\nsidestep_up{node=\"A\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_build_info{node=\"A\",version=\"0.1.0\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE sidestep_repaired_packets_total counter\n"
                                "sidestep_repaired_packets_total{node=\"A\"} 7\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_dropped_packets_total{node=\"A\",reason=\"too-big\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_dropped_packets_total{node=\"A\",reason=\"not-in-domain\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_unrepaired_packets_total{node=\"A\",reason=\"no-candidate\"} 5\n"));
    EXPECT_THAT(text, Not(HasSubstr("unrepaired_packets_total{node=\"A\",reason=\"too-big\"}")));
    EXPECT_THAT(text, HasSubstr("sidestep_rejected_probes_total{node=\"A\",reason=\"bad-mac\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_copies_total{node=\"A\",flow=\"7\",list=\"1\",fate=\"later\"} 9\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_copies_missed{node=\"A\",flow=\"7\",list=\"1\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_copies_behind_seconds{node=\"A\",flow=\"7\",list=\"1\"} 0.00025"));
    EXPECT_THAT(text, HasSubstr("sidestep_clock_gap_seconds{node=\"A\"} 0.0002605"));
    EXPECT_THAT(text, HasSubstr("sidestep_clock_missed_probes_total{node=\"A\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_problems{node=\"A\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_routing_age_seconds{node=\"A\"} 1.5\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_routing_problem{node=\"A\"} 0\n"));
}

TEST(Metrics, OfSessionsInEveryState) {
    const auto text = scrape({answers()});
    EXPECT_THAT(text,
                HasSubstr("sidestep_session_up{node=\"A\",session=\"A-B\",kind=\"adjacency\",interface=\"to-B\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("session=\"from-C\",kind=\"passive\",interface=\"to-C\"} 1\n")) << "degraded is up";
    EXPECT_THAT(text, HasSubstr("sidestep_session_state{node=\"A\",session=\"A-B\",state=\"down\"} 1\n"));
    for (const auto* state : {"init", "up", "wait", "admin-down", "degraded"})
        EXPECT_THAT(text, HasSubstr(std::string("session=\"A-B\",state=\"") + state + "\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_session_downs_total{node=\"A\",session=\"A-B\",reason=\"unanswered\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("session=\"A-B\",reason=\"carrier-lost\"} 0\n")) << "a counter begins before its event";
    EXPECT_THAT(text, HasSubstr("session=\"A-B\",reason=\"ip-off\"} 0\n")) << "any reason of a failure";
    EXPECT_THAT(text, Not(HasSubstr("downs_total{node=\"A\",session=\"A-B\",reason=\"lossy\"}")));
    EXPECT_THAT(text, HasSubstr("last_transition_timestamp_seconds{node=\"A\",session=\"A-B\"} 1700000000.5\n"));
    EXPECT_THAT(text, Not(HasSubstr("last_transition_timestamp_seconds{node=\"A\",session=\"from-C\"}")));
    EXPECT_THAT(text, HasSubstr("sidestep_session_probes_sent_total{node=\"A\",session=\"A-B\"} 100\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_session_probes_lost_total{node=\"A\",session=\"A-B\"} 9\n"));
}

TEST(Metrics, RoundTripsAreAHistogram) {
    const auto text = scrape({answers()});
    EXPECT_THAT(text, HasSubstr("# TYPE sidestep_session_rtt_seconds histogram\n"));
    EXPECT_THAT(text, HasSubstr("rtt_seconds_count{node=\"A\",session=\"A-B\"} 91\n"));
    EXPECT_THAT(text, HasSubstr("rtt_seconds_bucket{node=\"A\",session=\"A-B\",le=\"1.6e-05\"} 80\n"));
    EXPECT_THAT(text, HasSubstr("le=\"6.4e-05\"} 90\n"));
    EXPECT_THAT(text, HasSubstr("le=\"1.048576\"} 90\n"));
    EXPECT_THAT(text, HasSubstr("le=\"+Inf\"} 91\n"));
    EXPECT_THAT(text, Not(HasSubstr("rtt_seconds_count{node=\"A\",session=\"from-C\"}")));
}

TEST(Metrics, TheCandidateThatPacketsTake) {
    const auto text = scrape({answers()});
    EXPECT_THAT(text, HasSubstr("sidestep_policy_active_candidate{node=\"A\",policy=\"to-D\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_policy_active_candidate{node=\"A\",policy=\"to-E\"} -1\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_policy_copies{node=\"A\",policy=\"to-E\"} 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("sidestep_policy_copies{node=\"A\",policy=\"to-D\"}"))) << "it is not hitless";
    EXPECT_THAT(text, HasSubstr("sidestep_policy_undrained_candidate{node=\"A\",policy=\"to-D\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("sidestep_policy_undrained_copies{node=\"A\",policy=\"to-E\"} 2\n"));
    EXPECT_THAT(text, Not(HasSubstr("undrained_candidate{node=\"A\",policy=\"to-E\"}")))
        << "the same as without a drain";
}

TEST(Metrics, SeveralNodesShareFamilies) {
    auto other = answers();
    other.node = "B";
    const auto text = scrape({answers(), other});
    const auto first = text.find("# TYPE sidestep_session_up ");
    EXPECT_NE(first, std::string::npos);
    EXPECT_EQ(text.find("# TYPE sidestep_session_up ", first + 1), std::string::npos);
    EXPECT_THAT(text, HasSubstr("sidestep_up{node=\"B\"} 1\n"));
}

TEST(Metrics, ADaemonThatDoesNotAnswerIsDown) {
    EXPECT_EQ(metrics_of({}).size(), 0U);
    const auto text = scrape({NodeAnswers{.node = "A"}});
    EXPECT_THAT(text, HasSubstr("sidestep_up{node=\"A\"} 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("sidestep_build_info")));
}

// Answers of another version, or of another program.
TEST(Metrics, WhatAnAnswerLacksIsLeftOut) {
    NodeAnswers node{.node = "A"};
    node.status = json::parse(R"({"clock": 5, "counters": {"repaired": "many"}, "rejected_probes": []})");
    node.metrics = json::parse(R"({"kinds": 5, "states": [1], "sessions": {
        "columns": ["rtt", "state", 5, "name", "new"], "rows": [5, [[1, "x", 3], null, 1, 7]]},
        "policies": {"columns": {}, "rows": [[1, 2], 3]}})");
    node.routing = json::array();
    const auto text = scrape({node});
    EXPECT_THAT(text, HasSubstr("sidestep_up{node=\"A\"} 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("sidestep_repaired_packets_total")));
    EXPECT_THAT(text, HasSubstr("rtt_seconds_count{node=\"A\",session=\"\"} 0\n"));
}

TEST(Textfile, IsReplacedAndReadableByAll) {
    const auto path =
        (std::filesystem::temp_directory_path() / ("sidestep-" + std::to_string(::getpid()) + ".prom")).string();
    ASSERT_TRUE(write_textfile(path, metrics_of({answers()})));
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0644U);
    std::ifstream in(path);
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}), HasSubstr("sidestep_up{node=\"A\"} 1\n"));
    EXPECT_FALSE(std::filesystem::exists(path + ".draft"));
    std::filesystem::remove(path);
    EXPECT_FALSE(write_textfile("/nonexistent/x.prom", {}));
}

}  // namespace
}  // namespace sidestep::exporter
