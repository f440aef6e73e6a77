// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Breaks one thing after the other on a node where all is well, and reads what each check says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/doctor/node_case.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The only finding.
Finding only(const Findings& findings) {
    EXPECT_EQ(findings.size(), 1U) << to_text(findings);
    return findings.empty() ? Finding{} : findings.front();
}

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

TEST(Doctor, InterfacesThatCannotCarryProbes) {
    auto node = good_case();
    node.machine.interfaces.erase("to-B");
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("does not exist here: its sessions are down, and"));
    node = good_case();
    node.machine.interfaces.erase("to-S");
    EXPECT_EQ(only(check_interfaces(node)).text, "does not exist here: no traffic enters by it")
        << "it has no sessions";
    node = good_case();
    node.machine.interfaces["to-B"].up = false;
    EXPECT_EQ(only(check_interfaces(node)).command, "ip link set dev to-B up");
    node = good_case();
    node.machine.interfaces["to-B"].carrier = false;
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("no carrier"));
    node = good_case();
    node.machine.sysctls["net.ipv6.conf.to-B.disable_ipv6"] = "1";
    EXPECT_THAT(only(check_interfaces(node)).command, HasSubstr("disable_ipv6=0"));
}

TEST(Doctor, AnInterfaceTooSmallForIpv6) {
    auto node = good_case();
    auto& seen = node.machine.interfaces["to-C"];
    seen.mtu = 1200;
    seen.addresses.clear();  // as the kernel does
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "up"), seen_session("A-C", "down")}}};
    node.daemon.status["problems"] = {{{"about", "session A-C"}, {"problem", "no probe could be sent"}}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.subject, "interface to-C");
    EXPECT_THAT(finding.text, HasSubstr("has an MTU of 1200: below 1280 the kernel has no IPv6 there"));
}

TEST(Doctor, AnInterfaceThatIsAPortOfABridge) {
    auto node = good_case();
    node.machine.interfaces["br0"] = {.name = "br0", .up = true, .carrier = true, .kind = "bridge", .mtu = 1500};
    node.machine.interfaces["to-B"].master = "br0";
    EXPECT_THAT(only(check_interfaces(node)).text, HasSubstr("is a port of the bridge br0"));
    node.machine.interfaces["br0"].kind = "vrf";
    EXPECT_THAT(check_interfaces(node), IsEmpty()) << "probes leave and arrive by the interface itself";
}

TEST(Doctor, AnEntranceThatIsNotListed) {
    auto node = good_case();
    node.config->ingress.clear();
    const auto finding = only(check_ingress(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.subject, "interface to-S");
    EXPECT_EQ(finding.command, "in the configuration: ingress: [to-S]");
    node.config->ingress = {"to-T"};
    EXPECT_EQ(only(check_ingress(node)).severity, Severity::note) << "it may be left out on purpose";
    node.config->policies[0].steering = Steering::device;
    EXPECT_THAT(check_ingress(node), IsEmpty()) << "its packets are found by routes";
}

TEST(Doctor, ADuplicateAddress) {
    auto node = good_case();
    node.machine.interfaces["to-B"].addresses[0].tentative = true;
    EXPECT_THAT(only(check_return_addresses(node)).text, HasSubstr("(tentative)"));
    node.machine.interfaces["to-B"].addresses[0].duplicate = true;
    EXPECT_THAT(only(check_return_addresses(node)).text,
                HasSubstr("fd00:ab::a cannot be used: another node on to-B has it, too (dadfailed)"));
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

TEST(Doctor, AReturnAddressThatIsNotOurs) {
    auto node = good_case();
    node.config->adjacencies[0].probe.return_address = addr("fd00:ab::b");
    const auto finding = only(check_return_addresses(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.subject, "session A-B");
    EXPECT_THAT(finding.text, HasSubstr("return-address fd00:ab::b is no address of this node"));
}

TEST(Doctor, SwappedReturnAddresses) {
    auto node = good_case();
    std::swap(node.config->adjacencies[0].probe.return_address, node.config->adjacencies[1].probe.return_address);
    const auto findings = check_return_addresses(node);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_THAT(findings[0].text, HasSubstr("fd00:ac::a is on to-C, not on to-B"));
    EXPECT_THAT(findings[0].text, HasSubstr("swapped?"));
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 4000, 0), seen_session("A-C", "init", 4000, 0)}}};
    EXPECT_THAT(check_answers(node), testing::IsEmpty()) << "the cause is known";
}

/// Nothing has come back by A-B yet.
Case silent_case() {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 0, 0), seen_session("A-C", "up")}}};
    return node;
}

// The kernel forgets neighbors; the daemon knows their MAC addresses.
TEST(Doctor, ANeighborThatTheKernelForgotWhileTheSessionIsUp) {
    auto node = good_case();
    node.machine.neighbors.clear();
    EXPECT_THAT(check_neighbors(node), IsEmpty());
}

TEST(Doctor, AnswersThatComeByAnotherLink) {
    auto node = silent_case();
    EXPECT_THAT(only(check_answers(node)).text, HasSubstr("fe80::b does not forward, has no route to fd00:ab::a"));
    node.daemon.status["rejected_probes"] = {{"wrong-interface", 12}};
    EXPECT_THAT(only(check_answers(node)).text,
                HasSubstr("12 probes of this node came back by other interfaces than their own: fe80::b has a route to "
                          "fd00:ab::a over another link"));
}

TEST(Doctor, ANeighborThatNobodyIs) {
    auto node = silent_case();
    node.machine.neighbors[0].state = "FAILED";
    const auto finding = only(check_neighbors(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_THAT(finding.text, HasSubstr("nobody behind to-B answers for its neighbor fe80::b"));
    EXPECT_EQ(finding.command, "ping -c 3 fe80::b%to-B");
}

TEST(Doctor, ANeighborBehindAnotherInterface) {
    auto node = silent_case();
    node.config->adjacencies[0].neighbor = addr("fd00:ac::c");
    node.machine.neighbors.push_back({.interface = "to-C", .address = addr("fd00:ac::c"), .state = "REACHABLE"});
    EXPECT_THAT(only(check_neighbors(node)).text, HasSubstr("is behind to-C, not behind to-B"));
}

TEST(Doctor, ANeighborThatIsThisNode) {
    auto node = silent_case();
    node.config->adjacencies[0].neighbor = addr("fd00:ab::a");
    EXPECT_THAT(only(check_neighbors(node)).text, HasSubstr("this node's own address"));
}

TEST(Doctor, ANeighborThatDoesNotForward) {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "init", 4000, 0), seen_session("A-C", "up")}}};
    const auto finding = only(examine(node));
    EXPECT_THAT(finding.text, HasSubstr("none of 4000 probes came back by to-B: fe80::b does not forward"));
    EXPECT_THAT(finding.command, HasSubstr("net.ipv6.conf.all.forwarding=1"));
    EXPECT_EQ(exit_code_of({finding}), 2);
}

TEST(Doctor, ALinkThatWorkedAndFailed) {
    auto node = good_case();
    node.daemon.sessions = {{"sessions", {seen_session("A-B", "down", 4000, 854), seen_session("A-C", "up")}}};
    node.daemon.sessions["sessions"][0]["last_answer_age_us"] = 2.5e6;
    EXPECT_THAT(only(examine(node)).text, HasSubstr("854 of 4000 probes came back by to-B, and none for 2.5 s"));
}

TEST(Doctor, ThisNodeDoesNotForward) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.conf.all.forwarding"] = "0";
    EXPECT_EQ(only(examine(node)).command, "sysctl -w net.ipv6.conf.all.forwarding=1");
}

TEST(Doctor, NothingThatIsProtected) {
    auto node = good_case();
    node.config->policies.clear();
    EXPECT_THAT(only(examine(node)).text, HasSubstr("has no policy and no bypass"));
    node.config->routing.emplace();
    EXPECT_THAT(examine(node), IsEmpty());
}

TEST(Doctor, AHostNeedsNotForward) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.conf.all.forwarding"] = "0";
    node.config->ingress.clear();
    node.config->policies[0].steering = Steering::device;
    EXPECT_EQ(only(check_forwarding(node)).severity, Severity::note);
    node.config->sids.emplace_back();
    EXPECT_EQ(only(check_forwarding(node)).severity, Severity::error);
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

TEST(Doctor, AForeignSourceAddress) {
    auto node = good_case();
    node.config->source = addr("fd00:b::1");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("source-address fd00:b::1 is no address of this node"));
}

TEST(Doctor, APlainCandidateThatIsNotTheRoute) {
    auto node = good_case();
    node.machine.lookups["2001:db8:d::"].interface = "to-C";
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_THAT(finding.text, HasSubstr("2001:db8:d::/64 is routed by to-C, but its plain candidate names A-B"));
    node.machine.lookups.clear();
    EXPECT_THAT(only(examine(node)).text, HasSubstr("there is no route to 2001:db8:d::/64"));
    node.machine.routes = {{.prefix = *Prefix::parse("2001:db8:d:1::/80"), .interface = "to-B"}};
    EXPECT_THAT(only(examine(node)).text, HasSubstr("there is no route"));
    node.config->policies[0].prefixes = {*Prefix::parse("::/0")};
    EXPECT_THAT(examine(node), IsEmpty()) << "what is inside has routes";
    node.config->policies[0].prefixes = {*Prefix::parse("2001:db8:d::/64")};
    node.machine.interfaces["to-B"].up = false;
    EXPECT_THAT(check_plain_candidates(node), IsEmpty()) << "with the link its route is gone, too";
}

TEST(Doctor, AShadowedSid) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/128");
    node.config->sids = {sid};
    auto& route = node.machine.lookups["fd00:a::"];
    route = {.prefix = sid.sid, .interface = "sr0", .protocol = "kernel", .encap = "seg6local", .action = "End"};
    EXPECT_THAT(examine(node), IsEmpty());
    route = {.prefix = *Prefix::parse("fd00:a::/48"), .interface = "lo", .protocol = "kernel"};
    EXPECT_THAT(only(examine(node)).text, HasSubstr("shadowed by the route fd00:a::/48 dev lo proto kernel"));
    node.machine.lookups.erase("fd00:a::");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("no route in the kernel"));
    node.config->sids[0].install = false;
    EXPECT_THAT(examine(node), IsEmpty()) << "somebody else owns it";
}

TEST(Doctor, ARouteThatTheDaemonFoundUnused) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/48");
    node.config->sids = {sid};
    node.machine.lookups["fd00:a::"] = {.prefix = *Prefix::parse("fd00:a::/128"), .interface = "lo", .type = "anycast"};
    node.daemon.status["problems"] = {{{"about", "route to fd00:a::/48"}, {"problem", "is not used: packets to ..."}}};
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_EQ(finding.subject, "route to fd00:a::/48");
    EXPECT_EQ(finding.text, "is not used: packets to ...");
    EXPECT_EQ(finding.command, "ip -6 route get fibmatch fd00:a:0:ffff:ffff:ffff:ffff:ffff");
}

TEST(Doctor, ASidThatIsAnAnycastAddressIsNamedBeforeTheStart) {
    auto node = good_case();
    SidConfig sid;
    sid.sid = *Prefix::parse("fd00:a::/48");
    node.config->sids = {sid};
    node.daemon = {};
    EXPECT_THAT(check_sid_addresses(node), IsEmpty());
    node.machine.interfaces["lo"].addresses.push_back({.address = addr("fd00:a:0:ffff::1"), .length = 48});
    const auto finding = only(check_sid_addresses(node));
    EXPECT_THAT(finding.text, HasSubstr("fd00:a:: is the subnet-router anycast address of fd00:a:0:ffff::1/48 on lo"));
    EXPECT_THAT(finding.command, HasSubstr("&& ip -6 address add fd00:a:0:ffff::1/128 dev lo"));
}

TEST(Doctor, ABackupThatIsTooNarrow) {
    auto node = good_case();
    node.machine.interfaces["to-C"].mtu = 1500;
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("packets above 1420 bytes do not fit into to-C (MTU 1500)"));
    node.machine.interfaces["to-C"].mtu = 1300;
    EXPECT_EQ(only(check_mtu(node)).severity, Severity::warning) << "IPv6's least MTU does not fit";
}

TEST(Doctor, ComputedRepairsHaveRoomForLess) {
    auto node = good_case();
    nlohmann::json list{{"adjacency", "A-C"}, {"segments", {"fd00:c::"}}, {"largest_packet", 1420}};
    const auto computed = [&] {
        node.daemon.policies = {{"policies", nlohmann::json::array()}};
        node.daemon.policies["policies"].push_back(
            {{"computed", true}, {"candidates", nlohmann::json::array({{{"lists", nlohmann::json::array({list})}}})}});
        return check_computed_mtu(node);
    };
    const auto finding = only(computed());
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("take packets of 1420 bytes at most, and 1500 may come in"));
    list["largest_packet"] = 1220;
    EXPECT_EQ(only(computed()).severity, Severity::warning);
    list["largest_packet"] = 1500;
    EXPECT_THAT(computed(), IsEmpty());
}

// A copy goes by each list all the time, so nothing waits for a repair.
TEST(Doctor, ACopyThatDoesNotFit) {
    auto node = good_case();
    auto& policy = node.config->policies[0];
    policy.flow = 7;
    auto list = policy.candidates[1].lists[0];  // by A-C, with sessions
    policy.candidates = {{.lists = {list, list}}};
    policy.candidates[0].lists[0].adjacency = "A-B";
    node.machine.interfaces["to-B"].mtu = 1500;
    node.machine.interfaces["to-C"].mtu = 1400;
    const auto finding = only(check_mtu(node));
    EXPECT_EQ(finding.severity, Severity::warning);
    EXPECT_EQ(finding.subject, "policy to-D");
    EXPECT_EQ(
        finding.text,
        "its packets above 1320 bytes are always dropped, and their senders told, because a copy has to fit by every "
        "list: to-B (MTU 1500) takes 1420, to-C (MTU 1400) takes 1320; links behind them count too");
    EXPECT_EQ(finding.command, "ip link set dev to-B mtu 1580 && ip link set dev to-C mtu 1580");
    node.machine.interfaces["to-B"].mtu = 1580;
    EXPECT_EQ(only(check_mtu(node)).command, "ip link set dev to-C mtu 1580");
    node.machine.interfaces["to-C"].mtu = 1580;
    EXPECT_THAT(check_mtu(node), IsEmpty());
    policy.candidates[0].lists[1].mtu = policy.candidates[0].lists[0].mtu = 1500;
    EXPECT_THAT(only(check_mtu(node)).text, HasSubstr("to-C (MTU 1500) takes 1420"));
}

TEST(Doctor, CopiesThatAllAreDropped) {
    auto node = good_case();
    node.daemon.status["problems"] = {{{"about", "flow 8"}, {"problem", "its copies come to ..."}},
                                      {{"about", "merging SID fd00:d:0:7::/64"}, {"problem", "packets that ..."}}};
    const auto findings = examine(node);
    ASSERT_EQ(findings.size(), 2U) << to_text(findings);
    EXPECT_EQ(findings[0].severity, Severity::error);
    EXPECT_EQ(findings[0].subject, "flow 8");
    EXPECT_EQ(findings[0].text, "its copies come to ...");
    EXPECT_EQ(findings[1].subject, "merging SID fd00:d:0:7::/64");
}

TEST(Doctor, ACopyThatIsBelieved) {
    auto node = good_case();
    node.config->policies[0].flow = 7;
    node.config->policies[0].candidates[1].lists[0].sessions.clear();
    EXPECT_THAT(only(check_backups(node)).text, HasSubstr("its copy over A-C is believed"));
}

TEST(Doctor, AnotherProgramAtOurHook) {
    auto node = good_case();
    node.machine.interfaces["to-B"].xdp = "xdp_firewall";
    node.machine.interfaces["to-S"].filters = {"limiter pref 10"};
    const auto findings = check_other_programs(node);
    ASSERT_EQ(findings.size(), 2U);
    EXPECT_THAT(findings[0].text, HasSubstr("xdp_firewall"));
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_THAT(findings[1].text, HasSubstr("limiter pref 10"));
}

TEST(Doctor, ANeighborTableThatOverflows) {
    auto node = good_case();
    node.machine.sysctls["net.ipv6.neigh.default.gc_thresh3"] = "2";
    const auto finding = only(check_neighbor_table(node));
    EXPECT_EQ(finding.severity, Severity::error);
    EXPECT_THAT(finding.command, HasSubstr("gc_thresh3=8192"));
    node.config->adjacencies.resize(800, node.config->adjacencies[0]);
    node.machine.sysctls["net.ipv6.neigh.default.gc_thresh3"] = "1024";
    EXPECT_EQ(only(check_neighbor_table(node)).severity, Severity::warning);
}

TEST(Doctor, AStrictReversePathFilter) {
    auto node = good_case();
    node.machine.sysctls["net.ipv4.conf.to-S.rp_filter"] = "1";
    EXPECT_THAT(examine(node), IsEmpty()) << "no IPv4 is steered";
    node.config->policies[0].steering = Steering::device;
    node.config->policies[0].prefixes.push_back(*Prefix::parse("198.51.100.0/24"));
    EXPECT_EQ(only(examine(node)).command, "sysctl -w net.ipv4.conf.to-S.rp_filter=2");
}

TEST(Doctor, AKernelThatIsTooOld) {
    auto node = good_case();
    node.machine.kernel = "5.15.0";
    EXPECT_THAT(only(examine(node)).text, HasSubstr("6.1 or later"));
    node = good_case();
    node.machine.sysctls.erase("net.ipv6.conf.all.seg6_enabled");
    EXPECT_THAT(only(examine(node)).text, HasSubstr("no SRv6"));
}

TEST(Doctor, AProcessClockThatNobodyAskedFor) {
    auto node = good_case();
    node.daemon.status["clock"]["kind"] = "process";
    EXPECT_THAT(only(examine(node)).command, HasSubstr("sch_tbf"));
    node.config->clock = ClockKind::process;
    EXPECT_THAT(examine(node), IsEmpty());
}

TEST(Doctor, ChainsThatRepairsPassBy) {
    auto node = good_case();
    node.daemon.status["problems"] = {{{"about", "netfilter"}, {"problem", "passed by"}},
                                      {{"about", "to-B"}, {"problem", "of no concern here"}}};
    const auto finding = only(check_passed_by(node));
    EXPECT_EQ(finding.text, "passed by");
    EXPECT_EQ(finding.command, "nft list ruleset");
}

TEST(Doctor, ABackupThatIsBelieved) {
    auto node = good_case();
    node.config->policies[0].candidates[1].lists[0].sessions.clear();
    const auto finding = only(examine(node));
    EXPECT_EQ(finding.severity, Severity::note);
    EXPECT_THAT(finding.text, HasSubstr("believed, not proven"));
    EXPECT_EQ(exit_code_of({finding}), 0);
}

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
