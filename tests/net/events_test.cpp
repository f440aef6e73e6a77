// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the events that an operator follows: one line per transition, with its evidence.
#include <csignal>
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class Events : public ProtectedLab {
  protected:
    [[nodiscard]] Result<Process> sidestep(std::vector<std::string> arguments) const {
        const auto daemon = Daemon::executable();
        if (!daemon) return std::unexpected(daemon.error());
        const auto program = std::filesystem::path(*daemon).parent_path() / "sidestep";
        arguments.insert(arguments.begin(), {program.string(), "--run-dir", run_directory("A")});
        return lab().spawn("A", arguments);
    }

    /// The complete lines.
    static std::vector<json> lines(const std::string& text) {
        std::vector<json> result;
        std::istringstream stream(text.substr(0, text.rfind('\n') + 1));
        for (std::string line; std::getline(stream, line);) result.push_back(json::parse(line, nullptr, false));
        return result;
    }
};

// A disk that is full is seen by nobody who has to look into the log for it.
TEST_F(Events, ThatCannotBeKeptAreAProblem) {
    std::filesystem::create_directories(run_directory("A") + "/A.events");
    ASSERT_TRUE(start("A"));
    ASSERT_TRUE(wait_for(kPatience, [&] {
        return ask("A", "status").value("problems", json::array()).dump().find("the kept events") != std::string::npos;
    }));
}

TEST_F(Events, AreFollowedWithTheirEvidence) {
    ASSERT_TRUE(start("A"));
    auto follower = sidestep({"events", "--follow", "--no-retry", "--json"});
    ASSERT_TRUE(follower) << follower.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return !lines(follower->output()).empty(); }));
    EXPECT_TRUE(lines(follower->output())[0].value("events", json()).is_array());  // past events

    const auto cut_ns = cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    const auto restore_ns = cut().restore();
    ASSERT_TRUE(becomes("A", "up"));
    ASSERT_TRUE(wait_for(kPatience, [&] { return lines(follower->output()).size() >= 4; })) << follower->output();
    const auto seen = lines(follower->output());
    ASSERT_EQ(seen.size(), 4U) << follower->output();
    for (std::size_t i = 1; i < seen.size(); ++i) {
        ASSERT_TRUE(seen[i].is_object()) << follower->output();
        EXPECT_EQ(seen[i].value("session", ""), "A-B");
        EXPECT_FALSE(seen[i].value("time", "").empty());
    }
    EXPECT_EQ(seen[1].value("state", ""), "down");
    EXPECT_EQ(seen[2].value("state", ""), "wait");
    EXPECT_EQ(seen[3].value("state", ""), "up");
    EXPECT_EQ(seen[1].value("reason", ""), "unanswered");

    const auto evidence = seen[1].value("evidence", json::object());
    const auto number = [&](const char* key) { return evidence.value(key, std::int64_t{-1}); };
    EXPECT_LT(number("last_answer_ns"), cut_ns + 1'000'000);
    EXPECT_LT(number("last_answer_ns"), number("accused_sent_ns"));
    EXPECT_GT(number("accused_sent_ns"), cut_ns);
    EXPECT_LT(number("accused_sent_ns"), number("verdict_ns"));
    EXPECT_LT(number("verdict_ns"), restore_ns);
    EXPECT_EQ(number("accused_sequence"), number("last_sequence_answered") + 3);  // the multiplier
    EXPECT_GE(number("last_sequence_sent"), number("accused_sequence"));
    EXPECT_GT(evidence.value("clock_gap_us", 0.0), 0.0);
    EXPECT_EQ(seen[1].value("time_ns", std::int64_t{0}), number("verdict_ns"));

    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(follower->wait(kPatience), 1) << "the daemon is gone: " << follower->output();
}

TEST_F(Events, TheCommandsAgreeWithTheDaemon) {
    ASSERT_TRUE(start("A"));
    for (const auto* command : {"status", "sessions", "policies", "events"}) {
        auto asked = sidestep({command, "--json"});
        ASSERT_TRUE(asked) << asked.error().message;
        EXPECT_EQ(asked->wait(kPatience), 0) << asked->output();
        EXPECT_TRUE(json::parse(asked->output(), nullptr, false).is_object()) << asked->output();
        auto table = sidestep({command});
        ASSERT_TRUE(table) << table.error().message;
        EXPECT_EQ(table->wait(kPatience), 0) << table->output();
        EXPECT_FALSE(table->output().empty());
    }
}

// `systemctl restart` would otherwise end whoever ships the events.
TEST_F(Events, AreFollowedAcrossARestart) {
    ASSERT_TRUE(start("A"));
    auto follower = sidestep({"events", "--follow", "--json"});
    ASSERT_TRUE(follower) << follower.error().message;
    ASSERT_TRUE(wait_for(kPatience, [&] { return !lines(follower->output()).empty(); }));
    daemon("A").process().signal(SIGUSR1);
    ASSERT_TRUE(daemon("A").process().wait(kPatience));
    ASSERT_TRUE(start("A"));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down", "unanswered"));
    ASSERT_TRUE(wait_for(kPatience, [&] { return follower->output().find("unanswered") != std::string::npos; }))
        << follower->output();
    const auto text = follower->output();
    EXPECT_EQ(text.find("unanswered"), text.rfind("unanswered")) << "once: " << text;
    EXPECT_NE(text.find("trying again"), std::string::npos) << text;
}

}  // namespace
}  // namespace sidestep::topo
