// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The same with what the running daemon and its configuration say, and with all checks together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Doctor, FindsNothingWhereAllIsWell) {
    EXPECT_THAT(examine(good_case()), IsEmpty()) << to_text(examine(good_case()));
    EXPECT_EQ(exit_code_of({}), 0);
}

TEST(Doctor, WithoutADaemonItSaysWhatItCannotKnow) {
    auto node = good_case();
    node.daemon = {};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("no sidestepd runs"));
}

TEST(Doctor, ADaemonThatIsNotForThisUserIsNotSaidToBeGone) {
    auto node = good_case();
    node.daemon = {.silence = "no permission to use A.read"};
    EXPECT_THAT(only(examine(node)).text, HasSubstr("no permission to use A.read: only what"));
}

// The running node goes on, and its next start will not.
TEST(Doctor, AFileThatNoStartWouldAccept) {
    auto node = good_case();
    node.config.reset();
    node.complaints = {.file = "a.yaml", .list = {{"a.yaml", 2, 36, "probe.multiplier", "must be a whole number"}}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.text, "the next start would fail: a.yaml:2:36: probe.multiplier: must be a whole number");
    EXPECT_EQ(finding.command, "sidestep check a.yaml");
    node.hidden = true;
    EXPECT_EQ(only(examine(node)).severity, Severity::note) << "who may not read it cannot judge it";
}

TEST(Doctor, WarningsAboutTheConfigurationAreFindings) {
    auto node = good_case();
    node.complaints.warnings = {{"a.yaml", 9, 3, "hooks[0].run[0]", "no such program"}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text, HasSubstr("a.yaml:9:3: hooks[0].run[0]"));
}

TEST(Doctor, SaysWhateverTheDaemonComplainsOfOnce) {
    auto node = good_case();
    node.daemon.status["problems"] = {{{"about", "bfdd"}, {"problem", "nobody listens"}}};
    auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.subject + ": " + finding.text, "bfdd: nobody listens");
    node.daemon.status["problems"] = {{{"about", "netfilter"}, {"problem", "passed by"}}};
    EXPECT_EQ(only(examine(node)).command, "nft list ruleset") << "a check of its own knows more";
    node.daemon.status["problems"] = {{{"about", "node"}, {"problem", "source-address is no address"}}};
    node.machine.interfaces["lo"].addresses.clear();
    EXPECT_EQ(only(examine(node)).subject, "node A");
}

TEST(Doctor, CountersThatProveAMistake) {
    auto node = good_case();
    node.daemon.status["counters"] = {{"not-in-domain", 149}};
    node.daemon.status["rejected_probes"] = {{"bad-mac", 3}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text,
                HasSubstr("149 packets to SIDs of this node were dropped, because no prefix of `sr-domain`"));
    node.daemon.status["rejected_probes"]["bad-mac"] = 1042;
    EXPECT_EQ(examine(node).size(), 2U);
}

// The kernel forgets neighbors; the daemon knows their MAC addresses.
TEST(Doctor, NothingThatIsProtected) {
    auto node = good_case();
    node.config->policies.clear();
    EXPECT_THAT(only(examine(node)).text, HasSubstr("has no policy and no bypass"));
    node.config->routing.emplace();
    EXPECT_THAT(examine(node), IsEmpty());
}

TEST(Doctor, WhatKeepsRoutingFromComputing) {
    auto node = good_case();
    node.daemon.routing = {{"problem", "net.yaml has no node Q"}, {"warnings", {"A announces no locator"}}};
    const auto findings = check_routing(node);
    ASSERT_EQ(findings.size(), 2U) << "links to hosts need none";
    EXPECT_EQ(findings[0].severity, Severity::error);
    EXPECT_EQ(findings[0].text, "net.yaml has no node Q");
    EXPECT_EQ(findings[1].severity, Severity::warning);
}

TEST(Doctor, WhatIsNotRepairedOnPurpose) {
    auto node = good_case();
    node.config->adjacencies[0].mode = Mode::observe;
    EXPECT_THAT(only(check_modes(node)).text, HasSubstr("is only observed"));
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "up"), seen_session("A-C", "admin-down")}}};
    EXPECT_EQ(check_modes(node).size(), 2U);
}

// A copy goes by each list all the time, so nothing waits for a repair.
TEST(Doctor, TheWorstComesFirstAndDecidesTheExitCode) {
    const Findings findings{{Severity::note, "a", "first", ""}, {Severity::error, "b", "second", "mend it"}};
    EXPECT_EQ(to_text(findings), "error: b: second\n    mend it\nnote: a: first\n");
    EXPECT_EQ(exit_code_of(findings), 2);
    const auto json = to_json(findings);
    EXPECT_EQ(json["severity"], "error");
    EXPECT_EQ(json["findings"][0]["command"], "mend it");
    EXPECT_TRUE(json["findings"][1]["command"].is_null());
    EXPECT_EQ(to_json({})["severity"], "fine");
}

}  // namespace
}  // namespace sidestep
