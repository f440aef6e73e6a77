// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which graph is in force after which change, and until when. convergence_property_test.cpp walks packets.
#include "routing/core/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/routing/sketch.hpp"

namespace sidestep::routing {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using State = Convergence::State;
using Links = std::vector<std::string>;

//   S --- A --- D
//   |     |     |
//   C --- B --- E
const Links kLadder{"S A 10", "A D 10", "S C 10", "C B 10", "A B 10", "B E 10", "D E 10"};

Links without(const Links& links, const std::vector<std::string>& gone) {
    Links result;
    for (const auto& link : links) {
        if (std::find(gone.begin(), gone.end(), link) == gone.end()) result.push_back(link);
    }
    return result;
}

View view(const Links& links, const std::set<std::string>& overloaded = {}) {
    // Locators depend on the order in which nodes appear: every graph names them all first.
    Links all{"S x 1000", "A x 1000", "B x 1000", "C x 1000", "D x 1000", "E x 1000"};
    all.insert(all.end(), links.begin(), links.end());
    auto graph = std::make_shared<Graph>(Sketch{.links = all, .overloaded = overloaded}.graph());
    const auto plr = graph->find_node("S").value();
    return {.graph = std::move(graph), .plr = plr};
}

class ConvergenceTest : public testing::Test {
  protected:
    explicit ConvergenceTest(Protect protect = Protect::link) : convergence_(protect, 2s) {
        EXPECT_TRUE(convergence_.update(full_, 0s));
        EXPECT_EQ(convergence_.state(), State::settled);
    }
    [[nodiscard]] bool in_force(const View& wanted) const { return convergence_.plan().view.graph == wanted.graph; }
    [[nodiscard]] bool avoids_from(const View& base) const {
        const auto& from = convergence_.plan().from;
        return from && from->graph == base.graph;
    }

    View full_ = view(kLadder);
    Convergence convergence_;
};

class ConvergenceOfNodes : public ConvergenceTest {
  protected:
    ConvergenceOfNodes() : ConvergenceTest(Protect::node) {}
};

TEST_F(ConvergenceTest, HoldsRepairsWhileALocalLinkIsFlooded) {
    const auto cut = view(without(kLadder, {"S A 10"}));
    EXPECT_FALSE(convergence_.update(cut, 10s)) << "the plan is as it was";
    EXPECT_EQ(convergence_.state(), State::holding);
    EXPECT_TRUE(in_force(full_));
    EXPECT_EQ(convergence_.deadline(), 12s);
    EXPECT_FALSE(convergence_.update(view(without(kLadder, {"S A 10"})), 11s)) << "prefixes changed";
    EXPECT_FALSE(convergence_.advance(11'999ms));
    EXPECT_TRUE(convergence_.advance(12s)) << "not prolonged";
    EXPECT_EQ(convergence_.state(), State::settled);
    EXPECT_EQ(convergence_.plan().view.graph->link_count(), cut.graph->link_count());
    EXPECT_FALSE(convergence_.plan().from);
    EXPECT_FALSE(convergence_.deadline());
}

TEST_F(ConvergenceTest, AnyOtherChangeEndsTheHold) {
    (void)convergence_.update(view(without(kLadder, {"S A 10"})), 10s);
    const auto both = view(without(kLadder, {"S A 10", "B E 10"}));
    EXPECT_TRUE(convergence_.update(both, 11s)) << "at once";
    EXPECT_EQ(convergence_.state(), State::avoiding);
    EXPECT_TRUE(in_force(both));
    EXPECT_TRUE(avoids_from(full_));
    EXPECT_EQ(convergence_.deadline(), 13s);
}

TEST_F(ConvergenceTest, ALinkThatComesBackEndsTheHold) {
    (void)convergence_.update(view(without(kLadder, {"S A 10"})), 10s);
    const auto again = view(kLadder);
    EXPECT_TRUE(convergence_.update(again, 11s));
    EXPECT_EQ(convergence_.state(), State::settled);
    EXPECT_TRUE(in_force(again));
}

TEST_F(ConvergenceTest, ARemoteChangeIsFollowedAtOnceWithLists) {
    const auto cut = view(without(kLadder, {"A D 10"}));
    EXPECT_TRUE(convergence_.update(cut, 10s));
    EXPECT_EQ(convergence_.state(), State::avoiding);
    EXPECT_TRUE(in_force(cut));
    EXPECT_TRUE(avoids_from(full_));
    const auto more = view(without(kLadder, {"A D 10", "A B 10"}));
    EXPECT_TRUE(convergence_.update(more, 11s));
    EXPECT_TRUE(avoids_from(full_)) << "others may still forward by the first one";
    EXPECT_EQ(convergence_.deadline(), 13s);
    EXPECT_TRUE(convergence_.update(view(without(kLadder, {"A D 10", "A B 10"})), 12s));
    EXPECT_EQ(convergence_.deadline(), 13s) << "no link changed";
    EXPECT_TRUE(convergence_.advance(13s));
    EXPECT_EQ(convergence_.state(), State::settled);
    EXPECT_FALSE(convergence_.plan().from);
}

TEST_F(ConvergenceTest, ChangesInBothDirectionsAreFollowedWithoutLists) {
    auto links = without(kLadder, {"A D 10"});
    links.emplace_back("C E 10");
    EXPECT_TRUE(convergence_.update(view(links), 10s));
    EXPECT_EQ(convergence_.state(), State::settled);
    EXPECT_TRUE(convergence_.update(view(links, {"B"}), 11s)) << "overload";
    EXPECT_EQ(convergence_.state(), State::settled);
}

TEST_F(ConvergenceTest, NoHoldMeansAlwaysTheNewest) {
    Convergence eager(Protect::link, 0s);
    EXPECT_TRUE(eager.update(full_, 0s));
    EXPECT_TRUE(eager.update(view(without(kLadder, {"S A 10"})), 1s));
    EXPECT_EQ(eager.state(), State::settled);
}

TEST_F(ConvergenceTest, ANeighborsFailureIsNoLinkFailure) {
    EXPECT_TRUE(convergence_.update(view(without(kLadder, {"S A 10", "A D 10", "A B 10"})), 10s));
    EXPECT_EQ(convergence_.state(), State::avoiding);
}

TEST_F(ConvergenceOfNodes, HoldsWhileANeighborsFailureIsFlooded) {
    EXPECT_FALSE(convergence_.update(view(without(kLadder, {"S A 10"})), 10s));
    EXPECT_FALSE(convergence_.update(view(without(kLadder, {"S A 10", "A D 10"})), 11s));
    EXPECT_FALSE(convergence_.update(view(without(kLadder, {"S A 10", "A D 10", "A B 10"})), 11s));
    EXPECT_EQ(convergence_.state(), State::holding);
    EXPECT_TRUE(convergence_.advance(12s));
    EXPECT_FALSE(convergence_.plan().view.graph->find_link("S-A"));
}

TEST(ConvergenceSrlg, HoldsForOneGroup) {
    const Links grouped{"S A 10 7", "A D 10", "S C 10", "C D 10 7"};
    const auto full = view(grouped);
    Convergence convergence(Protect::srlg, 2s);
    (void)convergence.update(full, 0s);
    EXPECT_FALSE(convergence.update(view(without(grouped, {"S A 10 7", "C D 10 7"})), 1s));
    EXPECT_EQ(convergence.state(), State::holding);
}

/// "S-A fd00:..." of each candidate of the policy for this node.
std::vector<std::string> candidates(const Plan& plan, const std::string& destination) {
    const auto& graph = *plan.view.graph;
    const auto policies = compute_policies(plan, Protect::link, {});
    EXPECT_THAT(policies.warnings, IsEmpty());
    std::vector<std::string> result;
    for (const auto& policy : policies.policies) {
        if (graph.node(policy.destination).name != destination) continue;
        for (const auto& candidate : policy.candidates) {
            result.push_back(graph.link(link_of(candidate.out)).id);
            for (const auto& sid : candidate.sids) result.back() += " " + sid.to_string();
        }
    }
    return result;
}

TEST(ConvergencePlan, ANewLinkIsUsedByATunnelFirst) {
    const auto before = view(without(kLadder, {"S A 10"}));
    const auto after = view(kLadder);
    // A itself: its decapsulating SID, out of the new link. D is behind it.
    const Plan plan{.view = after, .from = before};
    EXPECT_THAT(candidates(plan, "A"), testing::Contains("S-A fd00:0:3:6::").Times(1));
    EXPECT_EQ(candidates(plan, "D").at(0), "S-A fd00:0:3:6::");
    EXPECT_EQ(candidates(plan, "D").at(1), "S-A");
    EXPECT_EQ(candidates(plan, "C").at(0), "S-C") << "its path is as it was";
    EXPECT_EQ(candidates({.view = after}, "D").at(0), "S-A");
}

TEST(GraphChangeTest, SeesParallelLinksOfALinkStateDatabase) {
    // Ids go by rank of metric: when the better one of two is lost, the other gets its id.
    const auto before = Sketch{.links = {"S B 10", "S B 30"}}.graph();
    const auto after = Sketch{.links = {"S B 30"}}.graph();
    const auto change = compare(before, after);
    EXPECT_THAT(change.gone, ElementsAre(0U));
    EXPECT_THAT(change.raised, IsEmpty());
    EXPECT_TRUE(change.only_worse());
    EXPECT_TRUE(local_failure(before, 0, change, Protect::link));
    EXPECT_TRUE(compare(after, before).only_better());
    EXPECT_TRUE(compare(before, before).none());
}

TEST(GraphChangeTest, SeesMetricsByDirection) {
    const auto before = Sketch{.links = {"S x 1", "S B 10/20"}}.graph();
    const auto up = compare(before, Sketch{.links = {"S x 1", "S B 10/30"}}.graph());
    EXPECT_THAT(up.raised, SizeIs(1));
    EXPECT_TRUE(up.only_worse());
    const auto turned = compare(before, Sketch{.links = {"S x 1", "S B 20/10"}}.graph());
    EXPECT_FALSE(turned.only_worse());
    EXPECT_FALSE(turned.only_better());
    EXPECT_TRUE(compare(before, Sketch{.links = {"S x 1", "B S 20/10"}}.graph()).none()) << "said from the other end";
}

TEST(GraphChangeTest, ALinksSubnetThatLeavesWithItIsNoFurtherChange) {
    // Both ends announce the subnet: an anycast prefix, as long as the link is there.
    const auto graph = [](bool link) {
        Graph result;
        const auto subnet = Prefix::parse("2001:db8:1::/64").value();
        const auto s = result.add_node({.name = "S", .prefixes = {subnet}});
        const auto a = result.add_node({.name = "A", .prefixes = link ? std::vector{subnet} : std::vector<Prefix>{}});
        const auto b = result.add_node({.name = "B"});
        if (link) result.add_link({.id = "S-A", .ends = {s, a}, .metrics = {10, 10}});
        result.add_link({.id = "S-B", .ends = {s, b}, .metrics = {10, 10}});
        result.add_link({.id = "A-B", .ends = {a, b}, .metrics = {10, 10}});
        result.attach_anycast();
        result.freeze();
        return result;
    };
    const auto before = graph(true);
    const auto change = compare(before, graph(false));
    EXPECT_THAT(change.gone, SizeIs(1));
    EXPECT_THAT(change.left_anycast, SizeIs(2));
    EXPECT_TRUE(local_failure(before, 0, change, Protect::link));
}

}  // namespace
}  // namespace sidestep::routing
