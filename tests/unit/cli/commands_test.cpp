// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line as its users meet it: arguments in; output, errors and exit code out.
#include "cli/commands.hpp"

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/exporter_command.hpp"
#include "tests/unit/cli/fake_daemon.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kExample = SIDESTEP_SOURCE_DIR "/docs/example.yaml";

struct Outcome {
    int code = -1;
    std::string out;
    std::string err;
};

/// Runs `sidestep` with these arguments.
Outcome run(std::vector<std::string> arguments) {
    CLI::App app;
    app.require_subcommand(1);
    add_daemon_commands(app);
    add_check_command(app);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome outcome;
    std::ranges::reverse(arguments);  // as CLI11 takes them
    try {
        app.parse(arguments);
        outcome.code = kExitFine;
    } catch (const CLI::RuntimeError& error) {
        outcome.code = error.get_exit_code();
    } catch (const CLI::ParseError&) {
        outcome.code = kExitBadInput;
    }
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
}

TEST(Commands, WithoutANodeTheOnlyDaemonIsAsked) {
    const TemporaryFolder folder;
    FakeDaemon daemon(folder.file("A.sock"), "{\"sessions\":[{\"name\":\"A-B\",\"state\":\"up\"}]}\n");
    const auto outcome = run({"--run-dir", folder.path(), "sessions"});
    EXPECT_EQ(outcome.code, kExitFine);
    EXPECT_THAT(outcome.out, testing::StartsWith("SESSION  STATE"));
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(daemon.received(), R"({"command":"sessions"})");
}

TEST(Commands, OptionsMayFollowTheCommandAndJsonIsTheAnswer) {
    const TemporaryFolder folder;
    (void)listen_at(folder.file("B.sock"));
    const FakeDaemon daemon(folder.file("A.sock"), "{\"node\":\"A\"}\n");
    const auto outcome = run({"status", "--json", "--run-dir", folder.path(), "--node", "A"});
    EXPECT_EQ(outcome.code, kExitFine) << outcome.err;
    EXPECT_EQ(json::parse(outcome.out), json({{"node", "A"}}));
}

TEST(Commands, TheRunDirMayComeFromTheEnvironment) {
    const TemporaryFolder folder;
    const FakeDaemon daemon(folder.file("A.sock"), "{\"policies\":[]}\n");
    setenv("SIDESTEP_RUN_DIR", folder.path().c_str(), 1);
    const auto outcome = run({"policies"});
    unsetenv("SIDESTEP_RUN_DIR");
    EXPECT_EQ(outcome.code, kExitFine);
    EXPECT_EQ(outcome.out, "no policies\n");
}

TEST(Commands, SessionUpSaysWhatHappensNext) {
    const TemporaryFolder folder;
    {
        const FakeDaemon daemon(folder.file("A.sock"), "{\"session\":\"A-B\",\"state\":\"down\"}\n");
        const auto outcome = run({"--run-dir", folder.path(), "session", "A-B", "up"});
        EXPECT_EQ(outcome.code, kExitFine) << outcome.err;
        EXPECT_THAT(outcome.out, testing::StartsWith("session A-B: waits for proof; traffic returns once"));
    }
    const FakeDaemon daemon(folder.file("B.sock"), "{\"session\":\"A-B\",\"state\":\"admin-down\"}\n");
    EXPECT_EQ(run({"--socket", folder.file("B.sock"), "session", "A-B", "down"}).out,
              "session A-B: admin-down: no path uses it until `sidestep session A-B up`\n");
}

TEST(Commands, SeveralNodesAreNamed) {
    const TemporaryFolder folder;
    (void)listen_at(folder.file("B.sock"));
    (void)listen_at(folder.file("A.sock"));
    auto outcome = run({"--run-dir", folder.path(), "status"});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_EQ(outcome.err, "sidestep: several nodes run here; choose one with --node: A, B\n");
    outcome = run({"--run-dir", folder.path(), "--node", "Z", "status"});
    EXPECT_EQ(outcome.code, kExitFailure);
    EXPECT_EQ(outcome.err, "sidestep: no sidestepd runs here for node Z; those that run: A, B\n");
}

TEST(Commands, WithoutADaemonTheySayWhatToDo) {
    const TemporaryFolder folder;
    auto outcome = run({"--run-dir", folder.path(), "status"});
    EXPECT_EQ(outcome.code, kExitFailure);
    EXPECT_EQ(outcome.err, "sidestep: no sidestepd runs here: no socket in " + folder.path() +
                               "; start it with: sidestepd --config FILE\n");
    outcome = run({"--socket", folder.file("x"), "status"});
    EXPECT_EQ(outcome.code, kExitFailure);
    EXPECT_THAT(outcome.err, testing::StartsWith("sidestep: no sidestepd listens at "));
}

TEST(Commands, AnErrorOfTheDaemonIsOurs) {
    const TemporaryFolder folder;
    const FakeDaemon daemon(folder.file("A.sock"), "{\"error\":\"not now\"}\n");
    const auto outcome = run({"--socket", folder.file("A.sock"), "events"});
    EXPECT_EQ(outcome.code, kExitFailure);
    EXPECT_EQ(outcome.err, "sidestep: not now\n");
}

TEST(Commands, FollowPrintsLinesUntilTheDaemonEnds) {
    const TemporaryFolder folder;
    const std::string lines = "{\"events\":[]}\n{\"session\":\"A-B\",\"state\":\"down\"}\n";
    {
        FakeDaemon daemon(folder.file("A.sock"), lines);
        const auto outcome = run({"--socket", folder.file("A.sock"), "events", "--follow", "--no-retry"});
        EXPECT_EQ(outcome.code, kExitFailure);
        EXPECT_EQ(outcome.err, "sidestep: sidestepd closed the connection\n");
        EXPECT_THAT(outcome.out, HasSubstr("A-B"));
        EXPECT_EQ(daemon.received(), R"({"command":"events","follow":true})");
    }
    const FakeDaemon daemon(folder.file("B.sock"), lines);
    EXPECT_EQ(run({"--socket", folder.file("B.sock"), "events", "--follow", "--no-retry", "--json"}).out, lines);
}

TEST(Commands, DiffWithoutADaemonIsTroubleAndNoDifference) {
    const TemporaryFolder folder;
    EXPECT_EQ(run({"--run-dir", folder.path(), "diff", kExample}).code, kExitBadInput);
    EXPECT_EQ(run({"--run-dir", folder.path(), "--node", "A", "diff", kExample}).code, kExitBadInput);
}

TEST(Commands, CheckDescribesAGoodFile) {
    auto outcome = run({"check", kExample});
    EXPECT_EQ(outcome.code, kExitFine);
    EXPECT_THAT(outcome.out, testing::StartsWith("node A, source fd00:a::1"));
    EXPECT_THAT(outcome.err, HasSubstr("example.yaml:18:16: adjacencies[0].interface: no interface 'to-B'"));
    outcome = run({"check", kExample, "--json"});
    EXPECT_EQ(outcome.code, kExitFine);
    const auto answer = json::parse(outcome.out);
    EXPECT_EQ(answer.at("valid"), true);
    EXPECT_EQ(answer.at("warnings").at(0).at("line"), 18);
    EXPECT_EQ(answer.at("policies").at(0).at("name"), "to-D");
}

TEST(Commands, CheckRefusesAbsentInterfacesWhenAsked) {
    const auto outcome = run({"check", "--interfaces", kExample});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr("example.yaml:18:16: adjacencies[0].interface: no interface 'to-B'"));
}

TEST(Commands, CheckPrintsEveryComplaint) {
    const TemporaryFolder folder;
    const auto file = folder.file("bad.yaml");
    std::ofstream(file) << "node: {name: A}\nadjacencies: []\n";
    auto outcome = run({"check", file});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, file + ":1:7: node.source-address: missing\n" + file +
                               ":2:14: adjacencies: must hold 1 to 4096 entries, not 0\n");
    outcome = run({"check", file, "--json"});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_EQ(
        json::parse(outcome.out).at("complaints").at(0),
        json({{"file", file}, {"line", 1}, {"column", 7}, {"field", "node.source-address"}, {"reason", "missing"}}));
    outcome = run({"check", folder.file("none.yaml")});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_EQ(outcome.err, folder.file("none.yaml") + ": No such file or directory\n");
}

// `sidestep init | sidestep check -`
TEST(Commands, CheckReadsWhatIsPiped) {
    const TemporaryFolder folder;
    const auto fifo = folder.file("fifo");
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    {
        const std::jthread writer([&] { std::ofstream(fifo) << "node: {name: A}\n"; });
        EXPECT_THAT(run({"check", fifo}).err, HasSubstr(fifo + ":1:7: node.source-address: missing"));
    }
    const Fd before(dup(STDIN_FILENO));
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    EXPECT_EQ(write(ends[1], "node: {name: A}\n", 16), 16);
    close(ends[1]);
    const auto outcome = run({"check", "-"});
    dup2(before.get(), STDIN_FILENO);
    EXPECT_THAT(outcome.err, HasSubstr("-:1:7: node.source-address: missing"));
}

TEST(Commands, CheckPrintsManyPoliciesOrNoneAsJson) {
    const TemporaryFolder folder;
    const auto file = folder.file("many.yaml");
    std::string text = R"(node: {name: A, source-address: "fd00:a::1"}
adjacencies: [{name: A-B, interface: lo, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1"}}]
)";
    std::ofstream(file) << text;
    EXPECT_EQ(json::parse(run({"check", file, "--json"}).out).at("policies"), json::array());
    text += "policies:\n";
    for (const auto* name : {"a", "b", "c"}) {
        text +=
            fmt::format("- {{name: {0}, prefixes: [\"2001:db8:{0}::/48\"], candidates: [{{adjacency: A-B}}]}}\n", name);
    }
    std::ofstream(file) << text;
    const auto policies = json::parse(run({"check", file, "--json"}).out).at("policies");
    ASSERT_EQ(policies.size(), 3U);
    EXPECT_EQ(policies.at(2).at("name"), "c");
}

// What the daemon would say only when it runs.
TEST(Commands, CheckReadsTheTopologyThatPoliciesAreComputedFrom) {
    const TemporaryFolder folder;
    const auto file = folder.file("a.yaml");
    std::ofstream(file) << R"(node: {name: A, source-address: "fd00:a::1"}
adjacencies: [{name: A-B, interface: lo, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1"}}]
routing: {topology: net.yaml}
)";
    const auto said = [&](const std::string& topology) {
        std::ofstream(folder.file("net.yaml")) << topology;
        const auto outcome = run({"check", file});
        EXPECT_EQ(outcome.code, kExitFine) << "the daemon waits for a better one";
        return outcome.err;
    };
    EXPECT_THAT(said("nodes: [{name: A, locator: \"fd00:a::/48\"}, {name: B}]\n"),
                HasSubstr("net.yaml:1:44: nodes[1].locator: missing; no policies are computed until that is mended"));
    EXPECT_THAT(said("nodes: [{name: X, locator: \"fd00:a::/48\"}]\n"), HasSubstr("net.yaml has no node A"));
    EXPECT_THAT(said("nodes: [{name: A, locator: \"fd00:a::/48\"}, {name: B, locator: \"fd00:b::/48\"}]\n"),
                HasSubstr("a.yaml: routing.topology: B cannot be reached from A"));
    EXPECT_EQ(said("nodes: [{name: A, locator: \"fd00:a::/48\"}]\n"), "");
}

TEST(Commands, CheckWarnsOfOldKeys) {
    const TemporaryFolder folder;
    const auto file = folder.file("old.yaml");
    const std::string node = "node: {name: A, source-address: \"fd00:a::1\"}\n";
    const std::string adjacency =
        "adjacencies: [{name: A-B, interface: lo, neighbor: \"fe80::b\", probe: {sink: \"fd00:ab::1\"}}]\n";
    const auto warning = file + ":2:71: adjacencies[0].probe.sink: the old name of `return-address`; rename the key";
    std::ofstream(file) << node << adjacency;
    auto outcome = run({"check", file});
    EXPECT_EQ(outcome.code, kExitFine);
    EXPECT_EQ(outcome.err, "warning: " + warning + "\n");
    outcome = run({"check", file, "--json"});
    EXPECT_EQ(json::parse(outcome.out).at("warnings").at(0).at("column"), 71);
    std::ofstream(file) << node << adjacency << "color: red\n";
    outcome = run({"check", file});
    EXPECT_EQ(outcome.code, kExitBadInput);
    EXPECT_THAT(outcome.err, testing::EndsWith("\nwarning: " + warning + "\n"));
    outcome = run({"check", file, "--json"});
    EXPECT_EQ(json::parse(outcome.out).at("warnings").at(0).at("field"), "adjacencies[0].probe.sink");
}

TEST(Commands, TheExporterGetsEachOptionOnce) {
    CLI::App app;
    add_daemon_commands(app);
    setenv("SIDESTEP_RUN_DIR", "/run/env", 1);
    app.parse(std::vector<std::string>{"A", "--node"});  // reversed, as CLI11 takes them
    unsetenv("SIDESTEP_RUN_DIR");
    using Words = std::vector<std::string>;
    EXPECT_EQ(exporter_arguments(app, {"--textfile", "f"}),
              (Words{"--run-dir", "/run/env", "--node", "A", "--textfile", "f"}));
    EXPECT_EQ(exporter_arguments(app, {"--run-dir", "/run/own", "--node=B"}),
              (Words{"--run-dir", "/run/own", "--node=B"}));
}

TEST(Commands, OperandsThatCannotBeAreNotAskedAbout) {
    const TemporaryFolder folder;
    const auto complaint = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--run-dir", folder.path(), "--node", "A"});
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.code, kExitBadInput) << outcome.err;
        return outcome.err;
    };
    for (const auto* no_address : {"foo", "", "fe80::b%to-B"})
        EXPECT_THAT(complaint({"why", no_address}), HasSubstr("is no IPv6 or IPv4 address"));
    for (const auto* time : {"0s", "2h"})
        EXPECT_THAT(complaint({"fail", "A-B", "--for", time}), HasSubstr("lasts from 1 ms to 1 h"));
    EXPECT_THAT(complaint({"fail", "A-B", "--for", "soon"}), HasSubstr("not a duration"));
}

TEST(Commands, EventsOfASessionThatThereIsNot) {
    const TemporaryFolder folder;
    const std::string events = "{\"events\":[{\"session\":\"A-B\",\"state\":\"down\"}]}\n";
    const auto asked = [&](const std::string& name, const std::string& session, const std::string& sessions) {
        const FakeDaemon daemon(folder.file(name), events + sessions);
        return run({"--socket", folder.file(name), "events", "--session", session});
    };
    const auto typo = asked("1", "nope", "{\"sessions\":[{\"name\":\"nope2\"}]}\n");
    EXPECT_EQ(typo.code, kExitFailure);
    EXPECT_THAT(typo.err, HasSubstr("no session 'nope', and no event of one"));
    EXPECT_EQ(asked("2", "A-C", "{\"sessions\":[{\"name\":\"A-C\"}]}\n").code, kExitFine) << "nothing happened to it";
    EXPECT_EQ(asked("3", "A-B", "").code, kExitFine) << "it is no more, its events are";
}

TEST(Commands, WrongArgumentsAreBadInput) {
    EXPECT_EQ(run({}).code, kExitBadInput);
    EXPECT_EQ(run({"frobnicate"}).code, kExitBadInput);
    EXPECT_EQ(run({"check"}).code, kExitBadInput);
    EXPECT_EQ(run({"status", "--node", "A", "--socket", "x"}).code, kExitBadInput);
}

}  // namespace
}  // namespace sidestep
