// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests a configuration that changes while the daemon runs and traffic flows. The lab is that of the other tests:
//
//     S --- A ======= B --- D
//            \       /
//             `- C -'
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Reload : public ProtectedLab {
  protected:
    /// Replaces the configuration file of A.
    void write(const std::string& config) const { std::ofstream(run_directory("A") + "/A.yaml") << config; }
    std::string sidestep(const std::string& arguments) { return cli("A", arguments + "; echo code $?"); }
    /// Waits until `status` lists a problem with these words.
    testing::AssertionResult has_problem(const std::string& words) {
        std::string seen;
        const bool listed = wait_for(kPatience, [&] {
            seen = ask("A", "status").value("problems", json()).dump();
            return seen.find(words) != std::string::npos;
        });
        return listed ? testing::AssertionSuccess() : testing::AssertionFailure() << seen;
    }
    /// Another policy, and other settings of A-C; session A-B and its policy stay.
    [[nodiscard]] std::string changed() const {
        auto text = config("A");
        const auto at = text.rfind("wait-to-restore: 100ms");
        text.replace(at, std::string_view("wait-to-restore: 100ms").size(), "wait-to-restore: 300ms, loss-limit: 20");
        return with(text, "policies:\n",
                    "policies:\n  - name: other\n    prefixes: [\"2001:db8:77::/48\"]\n    candidates:\n"
                    "      - {adjacency: A-B}\n      - {adjacency: A-C}\n");
    }
};

TEST_F(Reload, WithoutChangesTheAnswerSaysSo) {
    ASSERT_TRUE(start("A"));
    EXPECT_EQ(sidestep("reload"), "no changes\ncode 0\n");
    EXPECT_EQ(sidestep("diff " + run_directory("A") + "/A.yaml"), "no changes\ncode 0\n");
}

TEST_F(Reload, AnUnchangedSessionGoesOnAndLosesNothing) {
    ASSERT_TRUE(start_both());
    const auto sent = session("A").value("sent", 0ULL);
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows);
    ASSERT_TRUE(flows->pass());
    write(changed());
    const auto planned = sidestep("reload --dry-run");
    EXPECT_THAT(planned, HasSubstr("+ policy other"));
    EXPECT_THAT(planned, HasSubstr("~ session A-C: wait-to-restore: 100 ms -> 300 ms; loss-limit: 0 -> 20"));
    EXPECT_THAT(planned, HasSubstr("+ prefix 2001:db8:77::/48"));
    EXPECT_THAT(planned, Not(HasSubstr("session A-B")));
    EXPECT_EQ(ask("A", "policies")["policies"].size(), 1U) << "a dry run changes nothing";
    EXPECT_EQ(sidestep("reload"), planned);
    ASSERT_TRUE(flows->pass());
    EXPECT_EQ(ask("A", "policies")["policies"].size(), 2U);
    EXPECT_GT(session("A").value("sent", 0ULL), sent) << "it keeps its counters";
    EXPECT_EQ(session("A").value("downs", 1ULL), 0U);
    EXPECT_TRUE(lossless(flows->stop()));
}

TEST_F(Reload, ARepairGoesOn) {
    ASSERT_TRUE(start_both());
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    ASSERT_TRUE(becomes("B", "down"));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows);
    ASSERT_TRUE(flows->pass());
    write(changed());
    EXPECT_THAT(sidestep("reload"), HasSubstr("code 0"));
    ASSERT_TRUE(flows->pass());
    EXPECT_TRUE(takes("A", 1));
    EXPECT_TRUE(lossless(flows->stop()));
}

TEST_F(Reload, AnInvalidFileChangesNothing) {
    ASSERT_TRUE(start("A"));
    write(with(config("A"), "multiplier: 3", "multiplier: 0"));
    const auto refused = sidestep("reload");
    EXPECT_THAT(refused, HasSubstr("A.yaml:"));
    EXPECT_THAT(refused, HasSubstr("adjacencies[0].probe.multiplier: must be"));
    EXPECT_THAT(refused, HasSubstr("code 1"));
    EXPECT_TRUE(has_problem("the last reload was refused: "));
    EXPECT_THAT(sidestep("doctor"), AllOf(HasSubstr("the next start would fail: "), HasSubstr("code 2")));
    std::filesystem::remove(run_directory("A") + "/A.yaml");
    EXPECT_THAT(sidestep("reload"), HasSubstr("No such file"));
    EXPECT_THAT(sidestep("doctor"), HasSubstr("No such file"));
    EXPECT_EQ(session("A").value("state", ""), "up");
    write(config("A"));
    EXPECT_EQ(sidestep("reload"), "no changes\ncode 0\n");
    EXPECT_TRUE(has_problem("[]"));
    EXPECT_THAT(sidestep("doctor"), HasSubstr("code 0"));
}

TEST_F(Reload, SighupReloads) {
    ASSERT_TRUE(start("A"));
    write(changed());
    const auto began = ask("A", "status").value("uptime_ms", 0.0);
    daemon("A").process().signal(SIGHUP);
    EXPECT_TRUE(wait_for(kPatience, [&] { return ask("A", "policies")["policies"].size() == 2; }));
    EXPECT_GE(ask("A", "status").value("uptime_ms", 0.0), began) << "it did not start over";
}

// It would come back, and be up at once.
TEST_F(Reload, ADrainThatIsForgottenIsNamed) {
    ASSERT_TRUE(start("A"));
    EXPECT_THAT(sidestep("drain A-C --force"), HasSubstr("code 0"));
    auto text = config("A");
    const auto first = text.find("  - name: A-C\n");
    ASSERT_NE(first, std::string::npos);
    text.erase(first, text.find('\n', text.find("return-address", first)) + 1 - first);
    const auto backup = text.find("      - {adjacency: A-C");
    ASSERT_NE(backup, std::string::npos);
    text.erase(backup, text.find('\n', backup) + 1 - backup);
    write(text);
    EXPECT_THAT(sidestep("reload -n"), HasSubstr("- session A-C: was drained, which is forgotten\n")) << text;
}

TEST_F(Reload, ARefusedSighupIsLoggedOnce) {
    ASSERT_TRUE(start("A"));
    write(with(config("A"), "multiplier: 3", "multiplier: 0"));
    daemon("A").process().signal(SIGHUP);
    EXPECT_TRUE(has_problem("the last reload was refused: "));
    const auto log = daemon("A").process().output();
    EXPECT_THAT(log, ContainsRegex("Z error configuration not reloaded, the present one stays: .*multiplier: must be"));
    EXPECT_EQ(log.find("multiplier: must be"), log.rfind("multiplier: must be")) << log;
}

TEST_F(Reload, ARenamedSessionKeepsItsState) {
    ASSERT_TRUE(start("A"));
    cut().cut();
    ASSERT_TRUE(becomes("A", "down"));
    auto text = config("A");
    for (std::size_t at = text.find("A-B"); at != std::string::npos; at = text.find("A-B", at)) {
        const bool interface = at >= 11 && text.compare(at - 11, 11, "interface: ") == 0;
        if (!interface) text.replace(at, 3, "uplink");
        at += 6;
    }
    write(text);
    EXPECT_THAT(sidestep("reload"), HasSubstr("~ session uplink (was A-B, its state is kept)"));
    EXPECT_EQ(session("A", "uplink").value("state", ""), "down");
    EXPECT_EQ(session("A", "uplink").value("downs", 0ULL), 1U);
}

// More policies than the maps can hold.
TEST_F(Reload, AFileThatOutgrowsTheMapsIsAcceptedToo) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows);
    ASSERT_TRUE(flows->pass());
    std::string more = "policies:\n";
    for (int i = 0; i < 200; ++i) {
        more += fmt::format(
            "  - name: p{}\n    prefixes: [\"2001:db8:{:x}::/48\"]\n    candidates:\n      - {{adjacency: A-B}}\n"
            "      - {{lists: [{{adjacency: A-B, weight: {}}}, {{adjacency: A-C, weight: 1}}]}}\n",
            i, 0x100 + i, i + 1);
    }
    write(with(config("A"), "policies:\n", more));
    EXPECT_THAT(sidestep("reload"), HasSubstr("the detector starts over inside its process"));
    EXPECT_TRUE(wait_for(kPatience, [&] { return ask("A", "policies")["policies"].size() == 201; }));
    ASSERT_TRUE(flows->pass());
    EXPECT_EQ(session("A").value("downs", 1ULL), 0U);
    EXPECT_TRUE(lossless(flows->stop()));
}

}  // namespace
}  // namespace sidestep::topo
