// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which lists doctor tries, with which packets, and what it says of what came back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The backup over C is not probed beyond its first link, and packets can be sent to C.
Case unproven_case() {
    auto node = good_case();
    node.config->policies[0].candidates[1].lists[0].sessions.clear();
    for (const auto* name : {"to-B", "to-C"}) node.machine.interfaces[name].mac = "02:00:00:00:00:0a";
    for (auto& neighbor : node.machine.neighbors) neighbor.mac = "02:00:00:00:00:0c";
    return node;
}

/// What came of trying all of it.
Case tried_case(const Outcome& outcome) {
    auto node = unproven_case();
    node.tried = {{.trial = trials_of(node).at(0), .outcome = outcome}};
    return node;
}

Finding first_of(const Case& node) {
    const auto findings = check_backups(node);
    EXPECT_FALSE(findings.empty());
    return findings.empty() ? Finding{} : findings.front();
}

TEST(Trials, OfListsThatAreNotProbedAsAWhole) {
    EXPECT_THAT(trials_of(good_case()), IsEmpty()) << "a path session proves it";
    const auto trials = trials_of(unproven_case());
    ASSERT_EQ(trials.size(), 1U);
    EXPECT_EQ(trials[0].owner, "policy to-D");
    EXPECT_EQ(trials[0].list.adjacency, "A-C");
    EXPECT_EQ(trials[0].passable(), 2U);
    EXPECT_EQ(trials[0].largest, 1500U) << "of to-S and to-B; to-C has room for 1520";
}

// The session knows that its path is broken, and not where.
TEST(Trials, OfListsWhoseOwnSessionIsSilent) {
    auto node = unproven_case();
    node.config->policies[0].candidates[1].lists[0].sessions = {"A-C-B"};
    node.daemon.sessions["sessions"].push_back(seen_session("A-C-B", "up"));
    EXPECT_THAT(trials_of(node), IsEmpty());
    node.daemon.sessions["sessions"].back() = seen_session("A-C-B", "init", 3000, 0);
    ASSERT_EQ(trials_of(node).size(), 1U);
    node.daemon.status["problems"] = {{{"about", "session A-C-B"}, {"problem", "a SID is missing somewhere"}}};
    node.tried = {{.trial = trials_of(node).at(0), .outcome = {.sent = 12, .reached = 1}}};
    const auto findings = examine(node);
    ASSERT_EQ(findings.size(), 1U) << to_text(findings);
    EXPECT_THAT(findings[0].text, HasSubstr("they do by fd00:c::, not by fd00:b:d6::"));

    PathConfig path{.name = "A-C-B",
                    .adjacency = "A-C",
                    .segments = node.tried[0].trial.list.segments,
                    .returns_on = "to-B",
                    .probe = {}};
    path.probe.return_address = addr("fd00:ab::a");
    node.config->paths = {path};
    node.tried[0].outcome.whole = node.tried[0].outcome.large = true;
    const auto others = examine(node);
    ASSERT_EQ(others.size(), 1U) << to_text(others);
    EXPECT_EQ(others[0].subject, "session A-C-B");
    EXPECT_THAT(others[0].text, HasSubstr("the far end has no way to its return-address fd00:ab::a that ends at to-B"));
    EXPECT_EQ(others[0].command, "on the router of fd00:b:d6:: : ip -6 route get fd00:ab::a");
}

TEST(Trials, NeedAFirstLinkThatAnswers) {
    auto node = unproven_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "up"), seen_session("A-C", "down")}}};
    EXPECT_THAT(trials_of(node), IsEmpty());
    node.daemon = {};
    EXPECT_EQ(trials_of(node).size(), 1U) << "before the start there is no verdict";
    node.machine.neighbors[1].mac.clear();
    EXPECT_THAT(trials_of(node), IsEmpty()) << "nobody to send to";
}

TEST(Trials, OfEachListOnce) {
    auto node = unproven_case();
    auto second = node.config->policies[0];
    second.name = "to-E";
    node.config->policies.push_back(second);
    EXPECT_EQ(trials_of(node).size(), 1U);
}

// A merging SID counts copies; the numbers of doctor's packets would be taken for a sender's.
TEST(Trials, NotOfHitlessPolicies) {
    auto node = unproven_case();
    node.config->policies[0].flow = 7;
    EXPECT_THAT(trials_of(node), IsEmpty());
}

TEST(Trials, TheLastSidMayTakeIpv4Only) {
    auto node = unproven_case();
    node.config->policies[0].prefixes = {*Prefix::parse("198.51.100.0/24")};
    EXPECT_EQ(trials_of(node).at(0).passable(), 1U);
    node.config->policies[0].candidates[1].lists[0].segments.resize(1);
    EXPECT_THAT(trials_of(node), IsEmpty()) << "nothing of it can be tried";
}

TEST(Trials, OfComputedLists) {
    auto node = unproven_case();
    node.config->policies.clear();
    const nlohmann::json list{
        {"adjacency", "A-C"}, {"encap", "h.encaps"}, {"segments", {"fd00:c::", "fd00:b::"}}, {"probed", "first-link"}};
    node.daemon.policies = {{"policies",
                             {{{"name", "B"},
                               {"computed", true},
                               {"bypass_of", "A-B"},
                               {"protection", "fast-reroute"},
                               {"prefixes", nlohmann::json::array()},
                               {"candidates", {{{"lists", {list}}}}}}}}};
    const auto trials = trials_of(node);
    ASSERT_EQ(trials.size(), 1U);
    EXPECT_EQ(trials[0].owner, "bypass of A-B");
    EXPECT_THAT(trials[0].list.segments, ElementsAre(addr("fd00:c::"), addr("fd00:b::")));
}

TEST(Trials, ReturnToWhatThisNodeHas) {
    auto node = unproven_case();
    EXPECT_THAT(homes_of(node), ElementsAre(addr("fd00:ab::a"), addr("fd00:ac::a"), addr("fd00:a::1")));
    node.machine.interfaces["to-B"].addresses[0].duplicate = true;
    EXPECT_THAT(homes_of(node), ElementsAre(addr("fd00:ac::a"), addr("fd00:a::1")));
}

TEST(Trials, ThePacketGoesAsDataDoesOrByTheFirstSegmentsOnly) {
    const auto node = unproven_case();
    const auto trial = trials_of(node).at(0);
    const auto link = link_addresses(node, "A-C");
    ASSERT_TRUE(link);
    EXPECT_EQ(link->neighbor, (MacAddress{2, 0, 0, 0, 0, 0x0c}));
    const std::vector<std::uint8_t> payload(20, 0x5a);
    const auto size = [&](const Trial& tried, Form form, std::size_t segments = 0) {
        return bytes_of(
                   tried,
                   {.form = form, .segments = segments, .home = addr("fd00:ab::a"), .port = 50000, .payload = payload},
                   *link, addr("fd00:a::1"))
            .size();
    };
    EXPECT_EQ(size(trial, Form::whole), 14U + 40 + 40 + 40 + 8 + 20) << "Ethernet, IPv6, SRH of two, IPv6, UDP";
    EXPECT_EQ(size(trial, Form::first, 1), 14U + 40 + 40 + 8 + 20) << "an SRH of one SID and the address where it ends";
    auto inserted = trial;
    inserted.list.encap = Encap::h_insert;
    EXPECT_EQ(size(inserted, Form::whole), 14U + 40 + 56 + 8 + 20);
}

TEST(Trials, AskTheEndOfTheListAndWhatIsBehindIt) {
    const auto node = unproven_case();
    const auto trial = trials_of(node).at(0);
    ASSERT_EQ(trial.beyond, addr("2001:db8:d:0:ffff:ffff:ffff:ffff"));
    const auto link = link_addresses(node, "A-C");
    const auto hops = [&](Form form) {
        const std::vector<std::uint8_t> payload(20);
        const auto bytes = bytes_of(trial, {.form = form, .home = addr("fd00:ab::a"), .port = 5, .payload = payload},
                                    link.value(), addr("fd00:a::1"));
        return bytes.at(14 + 40 + 40 + 7);  // of the inner header, behind an SRH of two segments
    };
    EXPECT_EQ(hops(Form::end), 1) << "the router at the end has to say so";
    EXPECT_EQ(hops(Form::onward), 2);
    EXPECT_EQ(hops(Form::whole), 255);
}

TEST(Trials, OfPlainBackupsForLoopsOnly) {
    auto node = good_case();
    node.config->policies[0].candidates[1].lists = {list_over("A-C")};
    EXPECT_THAT(trials_of(node), IsEmpty()) << "its MAC addresses are not known";
    auto known = unproven_case();
    known.config->policies[0].candidates[1].lists = {list_over("A-C")};
    const auto trials = trials_of(known);
    ASSERT_EQ(trials.size(), 1U) << "not of the first candidate, which is as routed";
    known.tried = {{.trial = trials[0], .outcome = {.sent = 3}}};
    EXPECT_THAT(check_backups(known), IsEmpty());
    known.tried[0].outcome.loops = true;
    EXPECT_THAT(check_backups(known).at(0).text, HasSubstr("what is sent by its plain backup over A-C comes back"));
}

TEST(TriedBackup, WhoseEndSaysThatItForwards) {
    auto node = tried_case({.sent = 12, .reached = 1});
    node.tried[0].outcome.end = addr("fd00:bc::b");
    EXPECT_EQ(first_of(node).severity, Severity::note) << "a table without a way back here";
}

TEST(TriedBackup, LeadsBackHere) {
    const auto finding = first_of(tried_case({.sent = 12, .whole = true, .large = true, .loops = true}));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_THAT(finding.text,
                HasSubstr("comes back to this node: a packet of doctor to 2001:db8:d:0:ffff:ffff:ffff:ffff"));
}

TEST(TriedBackup, ARoutersOwnWordsReplaceGuesses) {
    auto node = tried_case({.sent = 12, .reached = 1});
    node.daemon.status["problems"] = {{{"about", "the list by A-C over fd00:c::, fd00:b:d6::"},
                                       {"problem", "fd00:ac::c has no route to fd00:b:d6::: packets are lost there"}}};
    const auto findings = examine(node);
    ASSERT_EQ(findings.size(), 1U) << to_text(findings);
    EXPECT_THAT(findings[0].text, HasSubstr("loses what is sent by it: fd00:ac::c has no route to fd00:b:d6::"));
}

TEST(TriedBackup, WorksAndIsStillNotProbed) {
    const auto finding = first_of(tried_case({.sent = 6, .reached = 0, .whole = true, .large = true}));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("its backup over A-C passes packets of doctor now, and nothing will notice"));
}

TEST(TriedBackup, StopsAtASid) {
    const auto findings = check_backups(tried_case({.sent = 12, .reached = 1}));
    ASSERT_EQ(findings.size(), 1U) << to_text(findings);
    EXPECT_EQ(findings[0].severity, Severity::error);
    EXPECT_EQ(findings[0].subject, "policy to-D");
    EXPECT_EQ(
        findings[0].text,
        "its backup over A-C (fd00:c::, fd00:b:d6::) would lose what is sent by it: packets of doctor do not come "
        "back by all of it; they do by fd00:c::, not by fd00:b:d6:: : the router of fd00:c:: has no route to it, or "
        "its router has no such SID that decapsulates (does sidestepd run there?), takes no packets from fd00:a::1 "
        "(sr-domain), looks in a "
        "table of its own, has no way back to fd00:ab::a, fd00:ac::a, fd00:a::1, or a filter drops SRv6");
    EXPECT_THAT(findings[0].command, HasSubstr("ip -6 route get fibmatch fd00:b:d6::"));
}

TEST(TriedBackup, DoesNotPassItsFirstSid) {
    const auto finding = first_of(tried_case({.sent = 12}));
    EXPECT_THAT(finding.text,
                HasSubstr("; not by fd00:c:: : the neighbor on A-C has no route to it, or its router has no "
                          "such SID (does sidestepd run there?), has no way back"));
}

TEST(TriedBackup, EndsAtASidThatDoesNotDecapsulate) {
    EXPECT_THAT(first_of(tried_case({.sent = 12, .reached = 2})).text,
                HasSubstr("fd00:b:d6:: sends on what it should decapsulate"));
}

// Its packets may have come home by the link that is down.
TEST(TriedBackup, IsNotCondemnedWhileALinkIsDown) {
    auto node = tried_case({.sent = 12, .reached = 1});
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "down"), seen_session("A-C", "up")}}};
    const auto finding = first_of(node);
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("cannot be judged while another link is down"));
}

TEST(TriedBackup, PassesSmallPacketsOnly) {
    const auto finding = first_of(tried_case({.sent = 12, .whole = true}));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text, HasSubstr("passes small packets and none of 1500 bytes: a link behind A-C"));
}

TEST(TriedBackup, PassesWhatItsRouterHasRoomFor) {
    auto node = tried_case({.sent = 12, .whole = true});
    node.daemon.policies = {{"policies",
                             {{{"candidates",
                                {{{"lists",
                                   {{{"adjacency", "A-C"},
                                     {"encap", "h.encaps"},
                                     {"segments", {"fd00:c::", "fd00:b:d6::"}},
                                     {"largest_packet", 1320}}}}}}}}}}};
    EXPECT_THAT(first_of(node).text, HasSubstr("a link behind A-C has room for 1320 only, says its router"));
}

/// For an IPv4 prefix as well, on a node with an address that IPv4 can come back to.
Case v4_case(const Outcome& outcome) {
    auto node = unproven_case();
    node.config->policies[0].prefixes.push_back(*Prefix::parse("198.51.100.0/24"));
    node.machine.interfaces["to-S"].addresses.push_back({.address = addr("192.0.2.1"), .length = 120});
    node.tried = {{.trial = trials_of(node).at(0), .outcome = outcome}};
    return node;
}

TEST(TriedBackup, TakesIpv4OrDoesNot) {
    EXPECT_THAT(v4_homes_of(v4_case({})), ElementsAre(addr("192.0.2.1")));
    const auto finding = first_of(v4_case({.sent = 12, .whole = true, .large = true, .v4_sent = true}));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text,
                HasSubstr("and no IPv4 one came back: fd00:b:d6:: does not take IPv4 (End.DT4, End.DT46), "
                          "or its router has no way back to 192.0.2.1"));
    EXPECT_EQ(first_of(v4_case({.sent = 12, .whole = true, .large = true, .v4_sent = true, .v4 = true})).severity,
              Severity::note);
}

TEST(TriedBackup, ThatCouldNotBeTriedIsBelieved) {
    EXPECT_THAT(first_of(tried_case({})).text, HasSubstr("is believed, not proven"));
}

TEST(Backup, ThatCannotBeTriedForNow) {
    auto node = unproven_case();
    node.machine.neighbors[1].mac.clear();
    const auto finding = first_of(node);
    EXPECT_THAT(finding.text, HasSubstr("the kernel does not know the MAC address of fe80::c at the moment"));
    EXPECT_EQ(finding.command, "ping -c 1 fe80::c%to-C; sidestep doctor");
}

TEST(TriedBackup, Ipv4OnlyIsJudgedByAllButTheLastSid) {
    auto node = tried_case({.sent = 3, .reached = 1});
    node.tried[0].trial.v4_only = true;
    EXPECT_THAT(first_of(node).text, HasSubstr("passes packets of doctor now"));
    node.tried[0].outcome.reached = 0;
    EXPECT_THAT(first_of(node).text, HasSubstr("not by fd00:c::"));
}

TEST(Doctor, ABackupThatIsBelieved) {
    auto node = good_case();
    node.config->policies[0].candidates[1].lists[0].sessions.clear();
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("believed, not proven"));
    EXPECT_EQ(exit_code_of({finding}), 0);
}

}  // namespace
}  // namespace sidestep
