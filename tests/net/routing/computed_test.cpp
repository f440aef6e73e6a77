// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests a configuration with only neighbors and a graph: packets survive cuts by computed repairs, and sidestepd
// installs the SIDs that repairs need.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/routing/computed_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Computed : public ComputedLab {
  protected:
    /// An address at D whose prefix is not in the graph, but is routed all the way.
    [[nodiscard]] Address strange() const { return Address::parse("2001:db8:77::1").value(); }
    void route_strange() {
        const auto via = [&](const std::string& node, const std::string& link) {
            return fmt::format("ip -6 route add 2001:db8:77::/48 via {} dev {}",
                               lab().peer(node, link).link_local.to_string(), lab().interface(node, link).name);
        };
        for (const auto& [node, command] :
             std::map<std::string, std::string>{{"S", via("S", "S-A")},
                                                {"A", via("A", "A-B")},
                                                {"C", via("C", "A-C")},
                                                {"B", via("B", "B-D")},
                                                {"D", "ip -6 addr add 2001:db8:77::1/128 dev lo nodad"}}) {
            EXPECT_EQ(shell(node, command), "");
        }
    }
    testing::AssertionResult start_three() {
        for (const auto* node : {"A", "B", "C"}) {
            if (auto started = start_computed(node); !started) return started;
        }
        return testing::AssertionSuccess();
    }
};

TEST_F(Computed, PoliciesOfAllDestinationsAppear) {
    ASSERT_TRUE(start_computed("A"));
    EXPECT_THAT(policy_names("A"), UnorderedElementsAre("to-B", "to-C", "to-D"));
    for (const auto* name : {"to-B", "to-C", "to-D"}) {
        const auto found = policy("A", name);
        EXPECT_EQ(found["computed"], true);
        EXPECT_EQ(found["candidates"].size(), 2U) << found;
        EXPECT_EQ(found.at("/candidates/0/active"_json_pointer), true);
        EXPECT_EQ(found.at("/candidates/0/encap"_json_pointer), "plain");
    }
    EXPECT_EQ(policy("A", "to-D")["prefixes"], json({"2001:db8:d::/48", "203.0.113.0/24"}));
    EXPECT_EQ(policy("A", "to-D").at("/candidates/1/segments"_json_pointer),
              json({lab().adjacency_sid("C", "C-B").to_string(), lab().sid("B", 6).to_string()}));
    EXPECT_EQ(policy("A", "A-B bypass")["computed"], true);
    const auto program = Daemon::executable();
    ASSERT_TRUE(program) << program.error().message;
    const auto asked = program->substr(0, program->size() - 1) + " --socket " + run_directory("A") + "/A.sock ";
    EXPECT_EQ(json::parse(shell("A", asked + "policies --json"), nullptr, false)["policies"].size(), 5U);
    EXPECT_EQ(json::parse(shell("A", asked + "routing --json"), nullptr, false)["policies"], 3);
    EXPECT_THAT(shell("A", asked + "routing"), HasSubstr("settled"));
    const auto routing = ask("A", "routing");
    EXPECT_EQ(routing["node"], "A");
    EXPECT_EQ(routing["nodes"], 5);
    EXPECT_EQ(routing["bypasses"], 2);
    EXPECT_EQ(routing["convergence"], "settled");
    EXPECT_EQ(routing["warnings"], json::array()) << "the link to S, a host, needs no adjacency";
}

// A knows D in both families; the prefix that is not in the graph takes the bypass.
TEST_F(Computed, PacketsSurviveACutInBothFamiliesAndInNoPolicy) {
    ASSERT_TRUE(start_three());
    route_strange();
    auto flows = dual_flows(500);
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->add(lab(), "S", "D", {.destination = strange(), .rate = 500}));
    ASSERT_TRUE(flows->add_v4(lab(), "S", "B", {.rate = 500}));
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "to-D", 1), 0U);
    EXPECT_GT(taken("A", "to-B", 1), 0U);
    EXPECT_GT(taken("A", "A-B bypass", 0), 0U);
    EXPECT_GT(taken("B", "to-S", 1), 0U);
    EXPECT_EQ(expired(), 0U);
}

// Any header, with sidestepd processing the SIDs on all three routers.
class ComputedHeaders : public Computed, public testing::WithParamInterface<const char*> {};

TEST_P(ComputedHeaders, PacketsSurviveACut) {
    for (const auto* node : {"A", "B", "C"}) ASSERT_TRUE(start_computed(node, GetParam()));
    auto flows = Flows::start(lab(), 1000);
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "to-D", 1), 0U);
    EXPECT_GT(taken("B", "to-S", 1), 0U);
    EXPECT_EQ(counter("A", "malformed") + counter("B", "malformed") + counter("C", "malformed"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ComputedHeaders,
                         testing::Values(", encap: h.encaps.red", ", encap: h.insert", ", next-csid: true"),
                         [](const auto& kind) {
                             std::string name = kind.param;
                             std::erase_if(name, [](char letter) { return std::isalpha(letter) == 0; });
                             return name;
                         });

// B announces all of 2001:db8::/32. A has no policy for S, because its link has no adjacency. While A-B is down,
// packets for S must not go to B.
TEST_F(Computed, AnAggregateDoesNotMatchUnprotectedDestinations) {
    write_graph(with(read_graph(), "\"2001:db8:b::/48\"", R"("2001:db8:b::/48", "2001:db8::/32")"));
    ASSERT_TRUE(start_three());
    EXPECT_THAT(policy("A", "to-B")["prefixes"].dump(), HasSubstr("2001:db8::/32"));
    auto flows = Flows::start(lab(), 1000);
    ASSERT_TRUE(flows) << flows.error().message;
    survives_cut(std::move(*flows));
    EXPECT_LT(taken("A", "to-B", 1), 50U)
        << "probes that verify backups of B are among them, the flows' hundreds are not";
    EXPECT_EQ(expired(), 0U);
}

TEST_F(Computed, TheSidsOfARepairAreInstalledByItsNeighbor) {
    ASSERT_TRUE(start_computed("A"));
    ASSERT_TRUE(start_computed("B"));
    shell("C", "ip link del sr-sids");
    auto flows = Flows::start(lab(), 500);
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_FALSE(lab().ping("S", "D")) << "nobody has C's SIDs";
    ASSERT_TRUE(start_computed("C"));
    EXPECT_TRUE(flows->pass());
    flows->stop();
}

TEST_F(Computed, SidsComeAndGoWithTheDaemon) {
    ASSERT_TRUE(start_computed("C"));
    const auto installed = installed_sids("C");
    EXPECT_THAT(installed, HasSubstr("fd00:0:c:1::  encap seg6local action End "));
    for (const auto* link : {"A-C", "C-B"}) {
        EXPECT_THAT(installed,
                    HasSubstr(lab().adjacency_sid("C", link).to_string() + "  encap seg6local action End.X"));
    }
    ASSERT_TRUE(kill("C"));
    EXPECT_EQ(installed_sids("C"), installed);
    ASSERT_TRUE(start("C", computed_config("C")));
    ASSERT_TRUE(delivered("C"));
    EXPECT_EQ(installed_sids("C"), installed);
    ASSERT_TRUE(stop("C"));
    EXPECT_EQ(installed_sids("C"), "");
}

// Traffic on a repair continues when the repairing node or the owner of the SIDs crashes, and when their successors
// start.
TEST_F(Computed, ARepairOutlivesKillsAndSuccessors) {
    ASSERT_TRUE(start_three());
    auto flows = Flows::start(lab(), 1000);
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto cut_ns = cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_TRUE(flows->pass());
    const auto healed_ns = now_ns();
    for (const auto* node : {"C", "A", "B"}) {
        ASSERT_TRUE(kill(node));
        EXPECT_TRUE(flows->pass());
        ASSERT_TRUE(launch(node, computed_config(node)));
        ASSERT_TRUE(delivered(node));
        EXPECT_TRUE(flows->pass());
    }
    for (const auto& report : flows->stop()) {
        const auto lost = loss_between(report, healed_ns, std::numeric_limits<std::int64_t>::max());
        EXPECT_FALSE(lost) << lost->lost << " packets lost at a successor's start";
        EXPECT_TRUE(healed({&report, 1}, cut_ns));
    }
}

TEST_F(Computed, WithoutAnyPathPacketsAreDroppedAndDoNotLoop) {
    ASSERT_TRUE(start_three());
    auto flows = Flows::start(lab(), 500);
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    cut().cut();
    cut_of("C-B").cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_TRUE(becomes("B", "down", "", "C-B"));
    EXPECT_TRUE(becomes("C", "down", "", "C-B"));
    const auto before = taken("A", "to-D", 1);
    EXPECT_TRUE(eventually([&] { return taken("A", "to-D", 1) > before + 100; })) << "A cannot know of C-B";
    EXPECT_FALSE(lab().ping("S", "D"));
    EXPECT_EQ(expired(), 0U);
    cut_of("C-B").restore();
    EXPECT_TRUE(flows->pass()) << "the detour is back";
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(flows->pass());
    flows->stop();
    EXPECT_EQ(expired(), 0U);
}

class Abilene : public ComputedLab, public testing::WithParamInterface<const char*> {
  protected:
    [[nodiscard]] std::string topology() const override { return SIDESTEP_NET_TESTS "/routing/abilene.yaml"; }
    [[nodiscard]] std::string cut_link() const override { return "KC-IND"; }
    [[nodiscard]] std::string far_end() const override { return "NY"; }

    /// Flows from S to every router.
    Result<Flows> flows_to_all() {
        Flows flows;
        for (const auto& node : lab().graph().nodes()) {
            if (node.kind != routing::NodeKind::router || node.name == "KC") continue;
            if (auto added = flows.add(lab(), "S", node.name, {.rate = 200}); !added)
                return std::unexpected(added.error());
        }
        return flows;
    }
};

// Kansas City has three links and the only sidestepd. All ten routers stay reachable, whichever link fails.
TEST_P(Abilene, EachLinkOfANodeMayFail) {
    ASSERT_TRUE(start_computed("KC", GetParam()));
    EXPECT_EQ(policy_names("KC").size(), 10U);
    for (const auto* link : {"DEN-KC", "KC-HOU", "KC-IND"}) {
        SCOPED_TRACE(link);
        auto flows = flows_to_all();
        ASSERT_TRUE(flows) << flows.error().message;
        ASSERT_TRUE(flows->pass(50));
        const auto cut_ns = cut_of(link).cut();
        EXPECT_TRUE(becomes("KC", "down", "unanswered", link));
        EXPECT_TRUE(flows->pass(100));
        cut_of(link).restore();
        EXPECT_TRUE(becomes("KC", "up", "", link));
        EXPECT_TRUE(flows->pass(50));
        const auto reports = flows->stop();
        EXPECT_TRUE(healed(reports, cut_ns));
        std::int64_t longest = 0;
        for (const auto& report : reports) {
            for (const auto& window : report.windows) longest = std::max(longest, window.length_ns().value_or(0));
        }
        fmt::print("{}: longest loss {:.1f} ms\n", link, static_cast<double>(longest) / 1e6);
    }
    EXPECT_EQ(expired(), 0U);
}

TEST_P(Abilene, AfterTwoFailuresTheThirdLinkTakesWhatItCan) {
    ASSERT_TRUE(start_computed("KC", GetParam()));
    auto flows = flows_to_all();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass(20));
    cut_of("KC-IND").cut();
    cut_of("DEN-KC").cut();
    EXPECT_TRUE(becomes("KC", "down", "", "KC-IND"));
    EXPECT_TRUE(becomes("KC", "down", "", "DEN-KC"));
    EXPECT_TRUE(flows->pass(50)) << "everything can be reached over Houston";
    cut_of("KC-HOU").cut();
    EXPECT_TRUE(becomes("KC", "down", "", "KC-HOU"));
    const auto dropped = [&] { return ask("KC", "status")["counters"].value("no-candidate", std::uint64_t{0}); };
    const auto before = dropped();
    EXPECT_TRUE(eventually([&] { return dropped() > before; })) << "the bypass, which comes last, is down, too";
    for (const auto* link : {"KC-IND", "DEN-KC", "KC-HOU"}) cut_of(link).restore();
    for (const auto* link : {"KC-IND", "DEN-KC", "KC-HOU"}) EXPECT_TRUE(becomes("KC", "up", "", link));
    EXPECT_TRUE(flows->pass(50));
    flows->stop();
    EXPECT_EQ(expired(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Protect, Abilene, testing::Values(", protect: link", ", protect: node"),
                         [](const auto& kind) { return std::string(kind.param).substr(11); });

}  // namespace
}  // namespace sidestep::topo
