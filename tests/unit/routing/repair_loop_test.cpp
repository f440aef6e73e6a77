// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets of a network in which all routers repair at once: what is promised of every packet, and what is not. Graphs
// are random, and so are failures: links and nodes, one or two at once, the destination among them.
// SIDESTEP_NIGHTLY=1 tries 20 times as many graphs.
#include <array>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/routing/random_graph.hpp"
#include "tests/unit/routing/repair_walk.hpp"

namespace sidestep::routing {
namespace {

struct WalkTally {
    std::size_t walks = 0;  ///< that met a failure
    std::array<std::size_t, 6> ends{};
    std::size_t twice = 0;  ///< over some link twice in one direction

    [[nodiscard]] std::size_t ended(End end) const { return ends.at(static_cast<std::size_t>(end)); }
    void add(const Walk& walk) {
        ++walks;
        ++ends.at(static_cast<std::size_t>(walk.end));
        twice += walk.most_visits > 1 ? 1 : 0;
    }
};

/// A walk, and what it went through.
struct Case {
    const Graph& graph;
    const std::vector<Failure>& failures;
    NodeId from;
    NodeId to;
    Walk walk;

    /// Whether there is a path at all, with the first failure alone.
    [[nodiscard]] bool has_path() const {
        const auto cut = cut_of(graph, failures.front());
        return (cut.nodes.empty() || !cut.nodes[to]) && spf_from(graph, from, cut).distance[to] != kUnreachable;
    }
};

Failure random_failure(const Graph& graph, std::mt19937& random) {
    if (random() % 2 == 0) {
        return {.kind = Failure::Kind::link, .id = static_cast<LinkId>(random() % graph.link_count())};
    }
    return {.kind = Failure::Kind::node, .id = static_cast<NodeId>(random() % graph.node_count())};
}

/// All pairs of routers, with `count` failures at once, many times. `each` sees every walk.
template <typename Each>
void all_walks(bool symmetric, Protect protect, unsigned count, Each each) {
    for (std::uint32_t seed = 1; seed <= rounds(30); ++seed) {
        const auto graph =
            RandomGraph{
                .nodes = 5 + seed % 10, .degree = 3.2, .max_metric = 1 + seed % 9, .symmetric = symmetric, .seed = seed}
                .graph();
        RepairWalk network(graph, protect);
        std::mt19937 random(seed);
        for (std::uint32_t round = 0; round < 15; ++round) {
            std::vector<Failure> failures;
            for (unsigned i = 0; i < count; ++i) failures.push_back(random_failure(graph, random));
            network.fail(failures);
            for (NodeId from = 0; from < graph.node_count(); ++from) {
                for (NodeId to = 0; to < graph.node_count(); ++to) {
                    if (from == to || network.is_dead(from)) continue;
                    const Case met{graph, failures, from, to, network.walk(from, to, round)};
                    if (met.walk.repairs != 0 || met.walk.end != End::delivered) each(met);
                }
            }
        }
    }
}

// The case that the lists are made for: nothing is refused, nothing goes round. Where metrics differ by direction, a repair
// may well lead over a link that the packet has come by before; then it is on its way in a tunnel, and arrives.
TEST(RepairLoops, OneFailureOfTheProtectedKindIsNeverALoop) {
    for (const auto protect : {Protect::link, Protect::node}) {
        const auto kind = protect == Protect::link ? Failure::Kind::link : Failure::Kind::node;
        std::size_t repaired = 0;
        for (const bool symmetric : {true, false}) {
            all_walks(symmetric, protect, 1, [&](const Case& met) {
                if (met.failures.front().kind != kind || !met.has_path()) return;
                ASSERT_EQ(met.walk.end, End::delivered);
                ASSERT_LE(met.walk.most_visits, symmetric ? 1U : 2U);
                ++repaired;
            });
        }
        EXPECT_GT(repaired, 1000U);
    }
}

// Of two routers next to a dead one, each sends its packets to the other: a triangle whose third router died.
TEST(RepairLoops, ATriangleWhoseThirdRouterDied) {
    Graph graph;
    for (const auto* name : {"A", "B", "D"}) {
        Node node;
        node.name = name;
        graph.add_node(node);
    }
    for (const auto& [id, ends] :
         {std::pair("A-B", std::array<NodeId, 2>{0, 1}), std::pair("A-D", std::array<NodeId, 2>{0, 2}),
          std::pair("B-D", std::array<NodeId, 2>{1, 2})}) {
        Link link;
        link.id = id;
        link.ends = ends;
        link.metrics = {10, 10};
        graph.add_link(std::move(link));
    }
    graph.attach_anycast();
    graph.freeze();
    RepairWalk network(graph, Protect::node);
    network.fail({{.kind = Failure::Kind::node, .id = 2}});
    const auto walk = network.walk(0, 2, 1);
    EXPECT_EQ(walk.end, End::u_turn);
    EXPECT_EQ(walk.repairs, 1U);
    EXPECT_EQ(walk.most_visits, 1U);
}

// Beyond that there is no promise, but a limit. What is left: three routers or more that repair for one another without
// segments, and tunnels that end before the next router repairs, so that it does not see their count. The bars are
// twice of what was found; without refused U-turns, and with counts forgotten at the end of each tunnel, 17 % of these
// packets and more went on until their hop limit ended them (docs/decisions/0029-u-turns.md).
struct Bar {
    bool symmetric;
    unsigned failures;
    double expired;  ///< most, of all packets that met a failure
    double twice;
};

TEST(RepairLoops, OtherFailuresAreLoopsRarely) {
    for (const auto& bar : {Bar{true, 1, 0.012, 0.08}, Bar{true, 2, 0.009, 0.09}, Bar{false, 1, 0.07, 0.13},
                            Bar{false, 2, 0.053, 0.12}}) {
        for (const auto protect : {Protect::link, Protect::node}) {
            WalkTally tally;
            all_walks(bar.symmetric, protect, bar.failures, [&](const Case& met) { tally.add(met.walk); });
            const auto walks = static_cast<double>(tally.walks);
            const auto seen = fmt::format(
                "{} metrics, {} protection, {} failures: of {} packets {} delivered, {} unprotected, {} refused as "
                "U-turns and {} as loops, {} expired; {} came by a link twice",
                bar.symmetric ? "symmetric" : "other", protect == Protect::link ? "link" : "node", bar.failures,
                tally.walks, tally.ended(End::delivered), tally.ended(End::unprotected), tally.ended(End::u_turn),
                tally.ended(End::loop), tally.ended(End::expired), tally.twice);
            std::printf("%s\n", seen.c_str());
            EXPECT_LE(static_cast<double>(tally.ended(End::expired)), bar.expired * walks) << seen;
            EXPECT_LE(static_cast<double>(tally.twice), bar.twice * walks) << seen;
        }
    }
}

}  // namespace
}  // namespace sidestep::routing
