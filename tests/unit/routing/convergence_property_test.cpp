// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What holding repairs and loop-free lists are for, packet by packet: routers take over a change in random order, and
// at every step all packets of one node must arrive, whoever knows. The same without them shows what is gained; the
// counts are printed. SIDESTEP_NIGHTLY=1 tries 20 times as many graphs.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/core/convergence.hpp"
#include "routing/core/micro_loop.hpp"
#include "routing/io/topology_file.hpp"
#include "tests/unit/routing/mixture.hpp"
#include "tests/unit/routing/random_graph.hpp"

namespace sidestep::routing {
namespace {

using Fate = Mixture::Fate;

struct Tally {
    std::size_t walks = 0;
    std::size_t loops = 0;
    std::size_t lost = 0;

    void count(Fate fate) {
        ++walks;
        if (fate == Fate::loops) ++loops;
        if (fate == Fate::lost) ++lost;
    }
};

/// Of the packets that a change concerns: with what this node does about it, and without.
struct Tallies {
    Tally with;
    Tally without;

    void print(const char* what) const {
        fmt::print("{}: {} walks; with: {} loops, {} lost; without: {} loops, {} lost\n", what, with.walks, with.loops,
                   with.lost, without.loops, without.lost);
        std::fflush(stdout);
    }
    void expect_gain() const {
        EXPECT_EQ(with.loops, 0U);
        EXPECT_EQ(with.lost, 0U);
        EXPECT_GT(without.loops, 0U) << "else this shows nothing";
    }
};

/// Calls `step` with nobody but `plr` knowing the newest graph, then after each further router has learnt of it. On the
/// way from the first to the last graph a router may know any of those between.
template <typename Step>
void converge(Mixture& mixture, std::size_t graphs, NodeId plr, std::mt19937& random, const Step& step) {
    auto& knows = mixture.knows;
    std::ranges::fill(knows, 0);
    knows[plr] = graphs - 1;
    step();
    std::vector<NodeId> order;
    for (NodeId node = 0; node < knows.size(); ++node) {
        if (node == plr) continue;
        order.push_back(node);
        if (graphs > 2) order.push_back(node);
    }
    std::shuffle(order.begin(), order.end(), random);
    for (const auto node : order) {
        knows[node] = graphs > 2 && knows[node] == 0 ? 1 + random() % (graphs - 2) : graphs - 1;
        step();
    }
}

/// Packets of `plr` from the time on when it takes over the last graph.
void check_avoiding(const std::vector<const Graph*>& graphs, NodeId plr, std::mt19937& random, Tallies& tallies) {
    const auto& fresh = *graphs.back();
    const auto change = compare(*graphs.front(), fresh);
    ASSERT_TRUE(can_avoid_loops(change));
    std::map<NodeId, Repair> lists;
    for (auto& list : micro_loop_lists(*graphs.front(), fresh, plr, change)) lists.emplace(list.destination, list);
    const auto spf = spf_from(fresh, plr);
    Mixture mixture(graphs);
    converge(mixture, graphs.size(), plr, random, [&] {
        for (const auto destination : spf.order) {
            if (destination == plr || fresh.node(destination).kind == NodeKind::anycast) continue;
            const auto list = lists.find(destination);
            const auto without = mixture.plain(plr, destination, Exposure::kNoNode);
            if (list == lists.end()) {
                ASSERT_EQ(without, Fate::delivered) << fresh.node(destination).name << " needs a list";
                continue;
            }
            tallies.with.count(mixture.along(fresh, plr, list->second));
            tallies.without.count(without);
        }
    });
}

template <typename Make>
void for_random_graphs(std::uint32_t seeds, const Make& check) {
    for (std::uint32_t seed = 1; seed <= rounds(seeds) && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const auto graph = RandomGraph{.nodes = 6 + seed % 9,
                                       .degree = 2.6,
                                       .max_metric = 1 + seed % 11,
                                       .symmetric = seed % 3 != 0,
                                       .odd_nodes = seed % 4 == 0,
                                       .seed = seed}
                               .graph();
        std::mt19937 random(seed);
        check(graph, random);
    }
}

/// `check(more, less, plr)` for every link and every router.
template <typename Check>
void for_each_link(const Graph& graph, const std::set<LinkId>& raised, const Check& check) {
    for (LinkId link = 0; link < graph.link_count(); ++link) {
        const auto& ends = graph.link(link).ends;
        if (graph.node(ends[1]).kind == NodeKind::anycast) continue;
        const auto less = raised.empty() ? changed(graph, {link}) : changed(graph, {}, {link});
        for (NodeId plr = 0; plr < graph.node_count(); ++plr) {
            if (graph.node(plr).kind != NodeKind::anycast) check(less, plr, link);
        }
    }
}

TEST(ConvergenceProperty, ListsAvoidLoopsWhenALinkGoes) {
    Tallies tallies;
    for_random_graphs(24, [&](const Graph& graph, std::mt19937& random) {
        for_each_link(graph, {}, [&](const Graph& less, NodeId plr, LinkId) {
            check_avoiding({&graph, &less}, plr, random, tallies);
        });
    });
    tallies.print("link gone, lists");
    tallies.expect_gain();
}

TEST(ConvergenceProperty, ListsAvoidLoopsWhenALinkComes) {
    Tallies tallies;
    for_random_graphs(24, [&](const Graph& graph, std::mt19937& random) {
        for_each_link(graph, {}, [&](const Graph& less, NodeId plr, LinkId) {
            check_avoiding({&less, &graph}, plr, random, tallies);
        });
    });
    tallies.print("link came, lists");
    tallies.expect_gain();
}

TEST(ConvergenceProperty, ListsAvoidLoopsWhenAMetricChanges) {
    Tallies up;
    Tallies down;
    for_random_graphs(16, [&](const Graph& graph, std::mt19937& random) {
        for_each_link(graph, {0}, [&](const Graph& raised, NodeId plr, LinkId) {
            check_avoiding({&graph, &raised}, plr, random, up);
            check_avoiding({&raised, &graph}, plr, random, down);
        });
    });
    up.print("metric raised, lists");
    up.expect_gain();
    down.print("metric lowered, lists");
    down.expect_gain();
}

TEST(ConvergenceProperty, ListsAvoidLoopsWhenTwoLinksChangeOneAfterTheOther) {
    Tallies gone;
    Tallies came;
    for_random_graphs(30, [&](const Graph& graph, std::mt19937& random) {
        const auto links = static_cast<LinkId>(graph.link_count());
        for (LinkId first = 0; first < links; ++first) {
            const auto second = static_cast<LinkId>((first + 1 + random() % (links - 1)) % links);
            if (graph.node(graph.link(first).ends[1]).kind == NodeKind::anycast) continue;
            if (graph.node(graph.link(second).ends[1]).kind == NodeKind::anycast) continue;
            const auto none = changed(graph, {first, second});
            const auto a = changed(graph, {first});
            const auto b = changed(graph, {second});
            const auto plr = static_cast<NodeId>(random() % graph.node_count());
            if (graph.node(plr).kind == NodeKind::anycast) continue;
            check_avoiding({&graph, &a, &b, &none}, plr, random, gone);
            check_avoiding({&none, &a, &b, &graph}, plr, random, came);
        }
    });
    gone.print("two links gone, lists");
    gone.expect_gain();
    came.print("two links came, lists");
    came.expect_gain();
}

/// Packets of `plr` whose primary path begins with the link that is gone: by the repairs of the old graph while it
/// holds them, or by the new graph from the beginning.
void check_holding(const Graph& old, const Graph& fresh, NodeId plr, NodeId neighbor, const std::set<LinkId>& gone,
                   Protect protect, std::mt19937& random, Tallies& tallies) {
    ASSERT_TRUE(local_failure(old, plr, compare(old, fresh), protect));
    const auto repairs = compute_repairs(old, plr, protect);
    const auto spf = spf_from(fresh, plr);
    Mixture mixture({&old, &fresh});
    converge(mixture, 2, plr, random, [&] {
        std::set<NodeId> seen;
        for (const auto& repair : repairs) {
            const auto down = [&](ArcId arc) { return gone.contains(link_of(arc)); };
            const bool node_failure = repair.failed == Failure{.kind = Failure::Kind::node, .id = neighbor};
            const bool link_failure = repair.failed.kind == Failure::Kind::link && gone.contains(repair.failed.id);
            if (!repair.found || !(node_failure || link_failure)) continue;
            if (gone.size() > 1 && !node_failure) continue;  // a repair to the neighbor that is dead
            if (spf.distance[repair.destination] == kUnreachable || down(repair.via)) continue;
            if (old.node(repair.destination).kind == NodeKind::anycast) continue;
            if (!std::ranges::all_of(repair.primary, down) || !seen.insert(repair.destination).second) continue;
            tallies.with.count(mixture.along(old, plr, repair));
            tallies.without.count(mixture.plain(plr, repair.destination, Exposure::kNoNode));
        }
    });
}

TEST(ConvergenceProperty, HeldRepairsAvoidLoopsWhenALinkOfThisNodeGoes) {
    for (const auto protect : {Protect::link, Protect::node}) {
        Tallies tallies;
        for_random_graphs(24, [&](const Graph& graph, std::mt19937& random) {
            for_each_link(graph, {}, [&](const Graph& less, NodeId plr, LinkId link) {
                const auto& ends = graph.link(link).ends;
                if (ends[0] != plr && ends[1] != plr) return;
                check_holding(graph, less, plr, ends[0] == plr ? ends[1] : ends[0], {link}, protect, random, tallies);
            });
        });
        tallies.print(protect == Protect::link ? "own link gone, link repairs held"
                                               : "own link gone, node repairs held");
        tallies.expect_gain();
    }
}

TEST(ConvergenceProperty, HeldRepairsAvoidLoopsWhenANeighborGoes) {
    Tallies tallies;
    for_random_graphs(24, [&](const Graph& graph, std::mt19937& random) {
        for (NodeId plr = 0; plr < graph.node_count(); ++plr) {
            if (graph.node(plr).kind == NodeKind::anycast) continue;
            for (const auto& hop : graph.hops(plr)) {
                std::set<LinkId> gone;
                bool anycast = graph.node(hop.neighbor).kind == NodeKind::anycast;
                for (const auto& far : graph.hops(hop.neighbor)) {
                    gone.insert(link_of(far.arc));
                    anycast = anycast || graph.node(far.neighbor).kind == NodeKind::anycast;
                }
                if (anycast) continue;
                check_holding(graph, changed(graph, gone), plr, hop.neighbor, gone, Protect::node, random, tallies);
            }
        }
    });
    tallies.print("neighbor gone, node repairs held");
    tallies.expect_gain();
}

class RealNetworkConverges : public testing::TestWithParam<const char*> {};

TEST_P(RealNetworkConverges, WithoutLoops) {
    const auto topology = load_topology(fmt::format("{}/topo/zoo/{}.gml", SIDESTEP_SOURCE_DIR, GetParam()));
    ASSERT_TRUE(topology) << topology.error().message;
    const auto& graph = topology->graph;
    std::mt19937 random(1);
    Tallies tallies;
    for_each_link(graph, {}, [&](const Graph& less, NodeId plr, LinkId) {
        check_avoiding({&graph, &less}, plr, random, tallies);
        check_avoiding({&less, &graph}, plr, random, tallies);
    });
    tallies.print(GetParam());
    tallies.expect_gain();
}

INSTANTIATE_TEST_SUITE_P(Zoo, RealNetworkConverges, testing::Values("Abilene", "Nsfnet", "Sprint"));

}  // namespace
}  // namespace sidestep::routing
