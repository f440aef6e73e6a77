// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what is read with a warning: old names of keys, and absent interfaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/config/config_file.hpp"
#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> warnings_about(const std::string& text, const InterfaceExists& exists = {}) {
    Complaints complaints{.file = "f", .list = {}};
    EXPECT_TRUE(read_config(text, complaints, exists, {}, AbsentInterface::warning)) << complaints.to_string();
    std::vector<std::string> lines;
    for (const auto& warning : complaints.warnings) lines.push_back(warning.to_string());
    return lines;
}

TEST(ConfigWarnings, OldNamesOfKeysAreRead) {
    Parts parts;
    EXPECT_THAT(warnings_about(parts.text()), ElementsAre());
    parts.first = adjacency_with_probe(R"({sink: "fd00:ab::1"})");
    parts.more = R"(paths: [{name: P, adjacency: A-B, segments: ["fd00:b::"], probe: {sink: "fd00:ab::2"}}])";
    EXPECT_THAT(warnings_about(parts.text()),
                ElementsAre("f:5:61: adjacencies[0].probe.sink: the old name of `return-address`; rename the key",
                            "f:10:67: paths[0].probe.sink: the old name of `return-address`; rename the key"));
    const auto config = read_good(parts.text());
    EXPECT_EQ(config.adjacencies.at(0).probe.return_address, address("fd00:ab::1"));
    EXPECT_EQ(config.paths.at(0).probe.return_address, address("fd00:ab::2"));
}

TEST(ConfigWarnings, AnOldNameTogetherWithThePresentOneIsAComplaint) {
    Parts parts;
    parts.first = adjacency_with_probe(R"({sink: "fd00:ab::1", return-address: "fd00:ab::1"})");
    EXPECT_THAT(complaints_about(parts.text()),
                ElementsAre("f:5:61: adjacencies[0].probe.sink: the old name of `return-address`, which is given too"));
}

TEST(ConfigWarnings, AnOldNameIsUnknownWhereThePresentOneIs) {
    Parts parts;
    parts.probe = R"(probe: {sink: "fd00:ab::1"})";
    EXPECT_THAT(complaints_about(parts.text()), ElementsAre(testing::StartsWith("f:3:9: probe.sink: unknown key; ")));
}

// A path with the segments of its list is the obvious one.
TEST(ConfigWarnings, AProofThatEndsAtAMergingSid) {
    Parts parts;
    parts.policy =
        R"(- {name: to-D, prefixes: ["2001:db8:d::/48"], protection: hitless, flow: 7, candidates: [{lists: [)"
        R"({adjacency: A-B, segments: ["fd00:d:0:7::"], sessions: [P]}, {adjacency: A-C, segments: ["fd00:d:0:7::"]}]}]})";
    const auto with_end = [&](const std::string& sid) {
        parts.more = R"(paths: [{name: P, adjacency: A-B, segments: [")" + sid +
                     R"("], probe: {return-address: "fd00:ab::1"}}])";
        return warnings_about(parts.text());
    };
    EXPECT_THAT(with_end("fd00:d:0:6::"), ElementsAre());
    EXPECT_THAT(
        with_end("fd00:d:0:7::"),
        ElementsAre("f:8:154: policies[0].candidates[0].lists[0].sessions: path 'P' ends at fd00:d:0:7::, a merging "
                    "SID, which takes copies only and drops probes: let it end at another SID of that node"));
}

TEST(ConfigWarnings, AProofOfAnotherWayThanTheCopies) {
    Parts parts;
    parts.policy =
        R"(- {name: to-D, prefixes: ["2001:db8:d::/48"], protection: hitless, flow: 7, candidates: [{lists: [)"
        R"({adjacency: A-B, segments: ["fd00:d:0:7::"]}, {adjacency: A-C, segments: ["fd00:d:0:7::"]}]}, )"
        R"({adjacency: A-B, segments: ["fd00:e:0:7::"], sessions: [P]}]})";
    parts.more =
        R"(paths: [{name: P, adjacency: A-C, segments: ["fd00:e:0:6::"], probe: {return-address: "fd00:ab::1"}}])";
    EXPECT_THAT(warnings_about(parts.text()),
                ElementsAre(HasSubstr("candidates[1].segments: ends at fd00:e:0:7::, others of the policy at "
                                      "fd00:d:0:7::: its packets are copies, too, and only a SID that merges the flow "
                                      "takes them"),
                            HasSubstr("candidates[1].sessions: path 'P' leaves by A-C, the list by A-B: it proves "
                                      "another way")));
}

TEST(ConfigWarnings, CopiesByTwoSidsOfOneNode) {
    Parts parts;
    const auto by = [&](const std::string& one, const std::string& other) {
        parts.policy =
            R"(- {name: to-D, prefixes: ["2001:db8:d::/48"], protection: hitless, flow: 7, candidates: [{lists: [)"
            R"({adjacency: A-B, segments: [")" +
            one + R"(", "fd00:d:0:7::"]}, {adjacency: A-C, segments: [")" + other + R"(", "fd00:d:0:7::"]}]}]})";
        return warnings_about(parts.text());
    };
    EXPECT_THAT(by("fd00:b:0:1::", "fd00:c:0:1::"), ElementsAre());
    EXPECT_THAT(by("fd00:d:0:1::", "fd00:d:0:2::"), ElementsAre()) << "of the merging node";
    EXPECT_THAT(by("fd00:c:0:1::", "fd00:c:0:e::"),
                ElementsAre(HasSubstr("candidates[0].lists[1].segments: fd00:c:0:e:: and fd00:c:0:1::, of another list "
                                      "of the candidate, have the same first 48 bits: if they are of one node, all "
                                      "copies fail with it")));
}

TEST(ConfigWarnings, AProofThatNeedsWhatItBacksUp) {
    Parts parts;
    parts.policy = R"(- {name: to-D, prefixes: ["2001:db8:d::/48"],)"
                   R"( candidates: [{adjacency: A-B}, {adjacency: A-C, segments: ["fd00:b::"], sessions: [P]}]})";
    const auto with_path = [&](const std::string& more) {
        parts.more = R"(paths: [{name: P, adjacency: A-C, segments: ["fd00:b::"], )" + more + "}]";
        return warnings_about(parts.text());
    };
    EXPECT_THAT(with_path(R"(probe: {return-address: "fd00:ac::1", return: ["fd00:c::"]})"), ElementsAre());
    EXPECT_THAT(with_path(R"(returns-on: to-B, probe: {return-address: "fd00:ab::1"})"),
                ElementsAre("f:8:59: policies[0].candidates: the probes of 'P' return by to-B, the interface that this "
                            "list backs up: both fail together; let them return by the list's own way (`returns-on`, "
                            "`return`)"));
}

// Somebody has to be paged at the first failure, not told then that the pager is misspelt.
TEST(ConfigWarnings, ProgramsThatCannotBeRun) {
    Parts parts;
    const auto with_program = [&](const std::string& path) {
        parts.more = "hooks: [{on: [down], run: [" + path + ", --urgent]}]";
        return warnings_about(parts.text());
    };
    EXPECT_THAT(with_program("/bin/sh"), ElementsAre());
    EXPECT_THAT(
        with_program("/nonexistent/pager"),
        ElementsAre("f:10:28: hooks[0].run[0]: '/nonexistent/pager' cannot be run on this machine: No such file "
                    "or directory"));
    EXPECT_THAT(with_program("/etc/passwd"), ElementsAre(testing::HasSubstr("it may not be executed")));
    EXPECT_THAT(with_program("/"), ElementsAre(testing::HasSubstr("no regular file")));
}

TEST(ConfigWarnings, AbsentInterfacesAreSomeIfAsked) {
    const auto exists = [](const std::string& name) { return name != "to-C"; };
    EXPECT_THAT(warnings_about(Parts{}.text(), exists),
                ElementsAre("f:6:26: adjacencies[1].interface: no interface 'to-C' on this machine"));
}

TEST(ConfigWarnings, APrefixWhoseLengthWasForgotten) {
    Parts parts;
    parts.policy =
        "- {name: to-D, prefixes: ['2001:db8:d::', 198.51.100.0, '2001:db8:e::1', '2001:db8:f::/64'], "
        "candidates: [{adjacency: A-B}]}";
    EXPECT_THAT(warnings_about(parts.text()),
                ElementsAre(HasSubstr("prefixes[0]: has no length, so it is this one address: 2001:db8:d::/128"),
                            HasSubstr("prefixes[1]: has no length, so it is this one address: 198.51.100.0/32")));
}

// The daemon waits for it.
TEST(ConfigWarnings, ATopologyFileThatIsNotThere) {
    Parts parts;
    parts.more = "routing: {topology: nowhere.yaml}";
    EXPECT_THAT(warnings_about(parts.text()),
                ElementsAre(HasSubstr("routing.topology: there is no file nowhere.yaml on this machine")));
}

TEST(ConfigWarnings, AHookOfASessionThatTheFileLacks) {
    Parts parts;
    parts.more = "hooks: [{on: [down], run: [/bin/true], session: A-Z}, {on: [down], run: [/bin/true], session: A-B}]";
    EXPECT_THAT(warnings_about(parts.text()),
                ElementsAre(HasSubstr("hooks[0].session: no session of this file is called 'A-Z'")));
}

TEST(ConfigWarnings, AListThatEndsHere) {
    Parts parts;
    parts.policy =
        "- {name: to-D, prefixes: ['2001:db8:d::/64'], candidates: [{adjacency: A-B, segments: ['fd00:a:d6::']}]}";
    parts.more = "sids: [{sid: 'fd00:a:d6::', behavior: end.dt6}]\nsr-domain: ['fd00::/16']";
    EXPECT_THAT(
        warnings_about(parts.text()),
        ElementsAre(HasSubstr("sids[0].sid: fd00:a:d6:: is a segment of policy 'to-D': its packets would come")));
}

}  // namespace
}  // namespace sidestep
