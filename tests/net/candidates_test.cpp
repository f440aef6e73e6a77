// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests several candidate paths of a policy, and several lists of a candidate path.
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/flow_bundle.hpp"
#include "tests/net/repair_lab.hpp"

namespace sidestep::topo {
namespace {

class Candidates : public RepairLab {
  protected:
    [[nodiscard]] std::string by_e() const {
        return fmt::format(R"(adjacency: A-E, segments: ["{}", "{}"])", lab().sid("E", 1).to_string(),
                           decap("B").to_string());
    }
    [[nodiscard]] std::string by_c() const {
        return fmt::format(R"(adjacency: A-C, segments: ["{}", "{}"])", lab().sid("C", 1).to_string(),
                           decap("B").to_string());
    }
    [[nodiscard]] std::string config(const std::string& candidates) const {
        return base_config("A") + adjacency_config("A", "A-E") +
               fmt::format("policies: [{{name: far, prefixes: {}, candidates: [{}]}}]\n", far_prefixes("A"),
                           candidates);
    }
    Result<Cut> cut_of(const std::string& link) { return lab().install_cut(link); }
};

TEST_F(Candidates, TheSecondBackupWhenTheFirstFailsToo) {
    auto by_c_cut = cut_of("A-C");
    ASSERT_TRUE(by_c_cut) << by_c_cut.error().message;
    ASSERT_TRUE(start_with(config(fmt::format("{{adjacency: A-B}}, {{{}}}, {{{}}}", by_c(), by_e())),
                           base_config("B") + adjacency_config("B", "E-B")));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 2000}));
    ASSERT_TRUE(flows.add_v4(lab(), "S", "D", {.rate = 2000}));
    ASSERT_TRUE(flows.pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(takes("A", 1));
    EXPECT_TRUE(flows.pass());
    by_c_cut->cut();
    EXPECT_TRUE(takes("A", 2));
    EXPECT_TRUE(flows.pass());
    EXPECT_GT(taken("A", "far", 1), 0U);
    EXPECT_GT(taken("A", "far", 2), 0U);
    by_c_cut->restore();
    EXPECT_TRUE(takes("A", 1));
    cut().restore();
    EXPECT_TRUE(takes("A", 0));
    EXPECT_TRUE(flows.pass());
    EXPECT_TRUE(healed(flows.stop(), cut_ns));
}

TEST_F(Candidates, PacketsThatNoCandidateTakesAreCounted) {
    auto by_c_cut = cut_of("A-C");
    ASSERT_TRUE(by_c_cut) << by_c_cut.error().message;
    ASSERT_TRUE(start("A", config(fmt::format("{{adjacency: A-B}}, {{{}}}", by_c()))));
    cut().cut();
    by_c_cut->cut();
    ASSERT_TRUE(becomes("A", "down"));
    ASSERT_TRUE(becomes("A", "down", "", "A-C"));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    EXPECT_TRUE(
        eventually([&] { return policy("A", "far").value(json::json_pointer("/drops/no-candidate"), 0) >= 100; }));
    EXPECT_GE(counter("A", "no-candidate"), 100U);
    const auto text = shell(
        "A", fmt::format("{}/sidestep --run-dir {} policies",
                         std::filesystem::path(*Daemon::executable()).parent_path().string(), run_directory("A")));
    EXPECT_THAT(text, testing::HasSubstr("no-candidate"));
}

// The first link of a list is probed, and what is behind it believed: here C has no route to the SID of B.
TEST_F(Candidates, ARouterThatRefusesTheirPacketsIsNamed) {
    ASSERT_TRUE(start_with(config(fmt::format("{{adjacency: A-B}}, {{{}}}", by_c())), base_config("B")));
    const auto list = [&](std::size_t candidate) { return policy("A", "far")["candidates"][candidate]["lists"][0]; };
    EXPECT_EQ(list(0)["probed"], "whole");
    EXPECT_EQ(list(1)["probed"], "first-link");
    EXPECT_TRUE(eventually([&] { return list(1)["refused"].is_null(); })) << "but while B did not run yet";
    ASSERT_EQ(shell("C", "ip -6 route del fd00:b::/48"), "");
    cut().cut();
    ASSERT_TRUE(takes("A", 1));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 100}));
    EXPECT_TRUE(eventually([&] { return list(1)["refused"].is_string(); }));
    const auto text = "has no route to " + decap("B").to_string();
    EXPECT_THAT(list(1)["refused"].dump(), testing::HasSubstr(text));
    EXPECT_THAT(ask("A", "status")["problems"].dump(), testing::HasSubstr(text));
}

// The first backup leads nowhere, which its verification has found out before it is needed.
TEST_F(Candidates, ABackupThatHasFallenSilentIsPassedBy) {
    ASSERT_TRUE(start_with(config(fmt::format("{{adjacency: A-B}}, {{{}}}, {{{}}}", by_c(), by_e())),
                           base_config("B") + adjacency_config("B", "E-B")));
    const auto list = [&](std::size_t candidate) { return policy("A", "far")["candidates"][candidate]["lists"][0]; };
    ASSERT_TRUE(eventually([&] { return list(1)["verified"] == "proven" && list(2)["verified"] == "proven"; }));
    EXPECT_TRUE(list(0)["verified"].is_null());
    EXPECT_EQ(ask("A", "sessions")["sessions"].size(), 3U) << "those that verify are not listed";
    const auto route = shell("C", "ip -6 route show fd00:b::/48");
    ASSERT_EQ(shell("C", "ip -6 route del fd00:b::/48"), "");
    EXPECT_TRUE(eventually([&] { return list(1)["state"] == "degraded"; }));
    EXPECT_EQ(list(1)["verified"], "silent");
    EXPECT_THAT(ask("A", "status")["problems"].dump(), testing::HasSubstr("the backup by A-C over"));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 2000}));
    ASSERT_TRUE(flows.pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(takes("A", 2));
    EXPECT_TRUE(flows.pass());
    EXPECT_EQ(taken("A", "far", 1), 0U);
    cut().restore();
    EXPECT_TRUE(takes("A", 0));
    EXPECT_TRUE(healed(flows.stop(), cut_ns));
    ASSERT_EQ(shell("C", "ip -6 route add " + route.substr(0, route.find(" pref"))), "");
    EXPECT_TRUE(eventually([&] { return list(1)["state"] == "up"; }));
}

// All that there is goes by a backup that has fallen silent: better than not at all.
TEST_F(Candidates, TheOnlyBackupIsUsedAlthoughItIsSilent) {
    ASSERT_TRUE(start_with(config(fmt::format("{{adjacency: A-B}}, {{{}}}", by_c())), base_config("B")));
    const auto list = [&](std::size_t candidate) { return policy("A", "far")["candidates"][candidate]["lists"][0]; };
    ASSERT_TRUE(eventually([&] { return list(1)["verified"] == "proven"; }));
    ASSERT_EQ(shell("B", "ip -6 route add unreachable fd00:a::1/128 metric 1"), "");
    EXPECT_TRUE(eventually([&] { return list(1)["state"] == "degraded"; }));
    Flows flows;
    ASSERT_TRUE(flows.add(lab(), "S", "D", {.rate = 1000}));
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(takes("A", 1));
    EXPECT_TRUE(flows.pass());
    (void)flows.stop();
    EXPECT_GT(cut_ns, 0);
}

TEST_F(Candidates, FlowsAreSharedByWeightAndOnlyThoseOfADeadListMove) {
    constexpr std::size_t kBundle = 48;
    auto by_e_cut = cut_of("A-E");
    ASSERT_TRUE(by_e_cut) << by_e_cut.error().message;
    // Slow probes, so that the dead list surely loses packets, and the other one never goes down.
    auto slow = config(fmt::format("{{lists: [{{weight: 3, {}}}, {{weight: 1, {}}}]}}", by_c(), by_e()));
    for (const auto* link : {"A-C", "A-E"}) {
        const auto usual = adjacency_config("A", link);
        slow = with(slow, usual, with(usual, "interval: 1ms", "interval: 20ms"));
    }
    ASSERT_TRUE(start_with(slow, base_config("B") + adjacency_config("B", "E-B")));
    auto bundle =
        FlowBundle::start(lab().netns("S"), lab().netns("D"), lab().address("S"), lab().address("D"), kBundle, 200);
    ASSERT_TRUE(bundle) << bundle.error().message;
    EXPECT_TRUE(bundle->standing().empty());
    const auto cut_ns = by_e_cut->cut();
    EXPECT_TRUE(becomes("A", "down", "", "A-E"));
    EXPECT_TRUE(bundle->standing().empty());
    by_e_cut->restore();
    EXPECT_TRUE(becomes("A", "up", "", "A-E"));
    EXPECT_TRUE(bundle->standing().empty());
    std::size_t moved = 0;
    for (const auto& report : bundle->stop()) {
        EXPECT_LE(report.windows.size(), 1U);
        for (const auto& window : report.windows) {
            EXPECT_GE(window.start_ns, cut_ns - 20'000'000);
            EXPECT_LT(window.length_ns().value_or(INT64_MAX), 500'000'000);
        }
        moved += report.windows.size();
    }
    // A quarter of 48, plus or minus four standard deviations.
    EXPECT_GE(moved, 1U);
    EXPECT_LE(moved, 24U);
    const auto candidate = policy("A", "far")["candidates"][0];
    EXPECT_GT(candidate.value("packets", 0), 0);
    EXPECT_GT(candidate.value("bytes", 0), candidate.value("packets", 0) * 40);
    EXPECT_EQ(candidate["lists"].size(), 2U);
}

}  // namespace
}  // namespace sidestep::topo
