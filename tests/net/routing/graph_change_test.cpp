// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests topology changes while sidestepd runs and packets flow: policies change as a whole, and nothing is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/routing/computed_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;

constexpr const char* kLinkAB = "{id: A-B, ends: [A, B], metric: 10";

class GraphChange : public ComputedLab {
  protected:
    /// The first plain candidate.
    std::string primary(const std::string& node, const std::string& name) {
        for (const auto& candidate : policy(node, name).value("candidates", json::array())) {
            if (candidate["encap"] == "plain") return candidate["adjacency"];
        }
        return "";
    }
    testing::AssertionResult primary_becomes(const std::string& name, const std::string& adjacency) {
        std::string seen;
        if (eventually([&] { return (seen = primary("A", name)) == adjacency; })) return testing::AssertionSuccess();
        return testing::AssertionFailure() << name << " leaves by " << seen;
    }
    testing::AssertionResult settles() { return has("A", "routing", "/convergence", "settled"); }
    std::string log(const std::string& node) { return shell(node, "cat " + run_directory(node) + "/*.log"); }
    testing::AssertionResult start_three(const std::string& extra) {
        for (const auto* node : {"A", "B", "C"}) {
            if (auto started = start_computed(node, extra); !started) return started;
        }
        return testing::AssertionSuccess();
    }
};

TEST_F(GraphChange, PoliciesFollowMetricsAndLinksWithoutLoss) {
    ASSERT_TRUE(start_three(", hold: 500ms"));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto good = read_graph();

    write_graph(with(good, kLinkAB, "{id: A-B, ends: [A, B], metric: 100"));
    EXPECT_TRUE(primary_becomes("to-D", "A-C"));
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(settles());
    EXPECT_TRUE(flows->pass());

    write_graph(good);
    EXPECT_TRUE(primary_becomes("to-D", "A-B"));
    EXPECT_TRUE(settles());
    EXPECT_TRUE(flows->pass());

    write_graph(with(good, "  - {id: C-B, ends: [C, B], metric: 30, subnet: \"fd00:cb::/64\"}\n", ""));
    EXPECT_TRUE(eventually([&] { return policy("A", "to-D")["candidates"].size() == 1; })) << "no detour";
    EXPECT_TRUE(has("A", "routing", "/bypasses", 0));
    EXPECT_TRUE(flows->pass());
    write_graph(good);
    EXPECT_TRUE(eventually([&] { return policy("A", "to-D")["candidates"].size() == 2; }));
    EXPECT_TRUE(settles());
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(lossless(flows->stop()));

    survives_cut(dual_flows().value());
}

// With nothing held, every other file changes all policies of all three routers at once.
TEST_F(GraphChange, FlippingFilesLoseNothing) {
    ASSERT_TRUE(start_three(", hold: 0s"));
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto good = read_graph();
    const auto other = with(with(good, kLinkAB, "{id: A-B, ends: [A, B], metric: 100"), "\"2001:db8:a::/48\", ", "");
    for (int i = 0; i < 3; ++i) {
        write_graph(other);
        ASSERT_TRUE(primary_becomes("to-D", "A-C"));
        write_graph(good);
        ASSERT_TRUE(primary_becomes("to-D", "A-B"));
    }
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(lossless(flows->stop()));
}

TEST_F(GraphChange, ABadFileIsNamedAndChangesNothing) {
    ASSERT_TRUE(start_three(""));
    const auto good = read_graph();
    const auto names = policy_names("A");
    auto flows = dual_flows(500);
    ASSERT_TRUE(flows) << flows.error().message;
    for (const auto& [text, complaint] :
         std::vector<std::pair<std::string, std::string>>{{with(good, "metric: 30", "metric: -1"), "metric"},
                                                          {with(good, "name: A,", "name: Z,"), "A"},
                                                          {"nodes: [", "graph.yaml"}}) {
        SCOPED_TRACE(complaint);
        write_graph(text);
        ASSERT_TRUE(eventually([&] { return ask("A", "routing")["problem"].is_string(); }));
        const auto problem = ask("A", "routing").value("problem", "");
        EXPECT_THAT(problem, HasSubstr("graph.yaml"));
        EXPECT_THAT(problem, HasSubstr(complaint));
        EXPECT_THAT(log("A"), HasSubstr("policies stay as they are"));
        EXPECT_EQ(policy_names("A"), names);
        EXPECT_TRUE(flows->pass(50));
        write_graph(good);
        ASSERT_TRUE(eventually([&] { return ask("A", "routing")["problem"].is_null(); }));
    }
    ASSERT_EQ(shell("A", "rm " + graph_file()), "");
    ASSERT_TRUE(eventually([&] { return ask("A", "routing")["problem"].is_string(); }));
    EXPECT_TRUE(lossless(flows->stop()));
    survives_cut(dual_flows().value());
    EXPECT_EQ(policy_names("A"), names);
}

// Until the graph is known, this node's SIDs are not, so those of the previous process stay.
TEST_F(GraphChange, ASuccessorWithoutGraphKeepsSidsUntilThereIsOne) {
    ASSERT_TRUE(start_computed("C"));
    const auto installed = installed_sids("C");
    ASSERT_TRUE(kill("C"));
    const auto good = read_graph();
    ASSERT_EQ(shell("C", "rm " + graph_file()), "");
    ASSERT_TRUE(start("C", computed_config("C")));
    EXPECT_TRUE(eventually([&] { return ask("C", "routing")["problem"].is_string(); }));
    EXPECT_EQ(installed_sids("C"), installed);
    write_graph(with(good, "  - {id: C-B, ends: [C, B], metric: 30, subnet: \"fd00:cb::/64\"}\n", ""));
    ASSERT_TRUE(delivered("C"));
    EXPECT_TRUE(eventually([&] { return installed_sids("C") != installed; }));
    EXPECT_THAT(installed_sids("C"), testing::Not(HasSubstr(lab().adjacency_sid("C", "C-B").to_string())));
    ASSERT_TRUE(stop("C"));
    EXPECT_EQ(installed_sids("C"), "");
}

}  // namespace
}  // namespace sidestep::topo
