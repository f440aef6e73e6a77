// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that docs/api.md names every key of the JSON that commands print, and no other, and that commands exit as it says.
#include "tests/net/documented.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"
#include "topo/daemon.hpp"

namespace sidestep::topo {
namespace {

using Names = std::set<std::string>;

class Documented : public ProtectedLab {
  protected:
    std::string cli(const std::string& arguments) {
        const auto program = std::filesystem::path(Daemon::executable().value()).parent_path() / "sidestep";
        return shell("A", program.string() + " --run-dir " + run_directory("A") + " " + arguments + " 2>/dev/null");
    }
    int exit_code(const std::string& arguments) {
        return std::stoi(cli(arguments + " >/dev/null 2>&1; echo $?; true"));
    }
    /// `absent`: fields that this lab has no occasion for.
    void is_as_documented(const std::string& section, const std::string& arguments, const Names& absent = {},
                          const Names& more = {}) {
        const auto text = cli(arguments);
        const auto answer = json::parse(text, nullptr, false);
        ASSERT_TRUE(answer.is_object()) << arguments << ": " << text;
        auto words = documented(section, false);
        ASSERT_FALSE(words.empty()) << "docs/api.md has no section " << section;
        words.insert(more.begin(), more.end());
        EXPECT_EQ(beyond(keys_of(answer), words), "") << arguments << ": not in docs/api.md, " << section;
        auto seen = keys_of(answer);
        seen.insert(absent.begin(), absent.end());
        EXPECT_EQ(beyond(documented(section, true), seen), "") << arguments << ": only in docs/api.md, " << section;
    }
};

TEST_F(Documented, AnswersOfTheDaemon) {
    ASSERT_TRUE(start("A"));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    is_as_documented("status", "status --json", {"about", "problem", "age_ms", "interface", "xdp", "tc", "because"});
    auto of_sessions = documented("status", false);
    is_as_documented("sessions", "sessions --json", {}, {"connected", "lease_ms"});
    is_as_documented("policies", "policies --json", {"sid", "list", "first", "later", "too_old", "missed", "behind_us"},
                     of_sessions);
    is_as_documented("events", "events --json", {"accused_sent_ns"});
    auto of_all = documented("sessions", false);
    of_all.merge(documented("policies", false));
    of_all.merge(documented("events", false));
    of_all.merge(documented("status", false));
    is_as_documented("why", "why --json " + lab().address("D").to_string(), {}, of_all);
    is_as_documented("reload and diff", "diff --json " + run_directory("A") + "/A.yaml",
                     {"what", "name", "change", "fields", "before", "starts_anew"});
}

TEST_F(Documented, CommandsWithoutADaemon) {
    const auto file = run_directory("A") + "/some.yaml";
    shell("A", "mkdir -p " + run_directory("A"));
    std::ofstream(file) << config("A");
    is_as_documented("check", "check --json " + file, {"complaints"});
    is_as_documented("check", "check --json /dev/null", documented("check", true));
    is_as_documented("doctor", "doctor --json --config " + file);
    is_as_documented("compute", "compute --json --node A --topology " + topology());
    is_as_documented("coverage", "coverage --json --topology " + topology());
}

TEST_F(Documented, ExitCodes) {
    EXPECT_EQ(exit_code("sessions"), 1) << "no daemon answers";
    EXPECT_EQ(exit_code("sessions --nonsense"), 2);
    EXPECT_EQ(exit_code("check /dev/null"), 2);
    EXPECT_EQ(exit_code("compute --topology /dev/null --node A"), 2);
    EXPECT_EQ(exit_code("--version"), 0);
    ASSERT_TRUE(start("A"));
    const auto present = run_directory("A") + "/A.yaml";
    EXPECT_EQ(exit_code("sessions"), 0);
    EXPECT_EQ(exit_code("check " + present), 0);
    EXPECT_EQ(exit_code("diff " + present), 0);
    EXPECT_EQ(exit_code("diff /dev/null"), 2);
    const auto other = run_directory("A") + "/other.yaml";
    shell("A", "sed 's/wait-to-restore: [0-9a-z]*/wait-to-restore: 7s/' " + present + " > " + other);
    EXPECT_EQ(exit_code("diff " + other), 1) << cli("diff " + other);
    EXPECT_EQ(exit_code("session nonsense down"), 1);
    shell("A", "ip link set dev to-S down");
    EXPECT_EQ(exit_code("doctor"), 2) << cli("doctor");
}

}  // namespace
}  // namespace sidestep::topo
