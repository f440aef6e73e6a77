// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A network of 1,000 routers in simulated time, on which failures strike: each router probes its links, judges, restores and
// repairs by the code that the product has. No packet may be without a path longer than the promised detection time while
// the failure is of the kind that is protected, and longer than the IGP needs in any other case; and none while all is well.
// SIDESTEP_NIGHTLY=1 takes 10,000 routers.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/routing/random_graph.hpp"
#include "tests/unit/routing/repair_walk.hpp"
#include "tests/unit/simulation/simulated_sessions.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using routing::ArcId;
using routing::End;
using routing::Failure;
using routing::Graph;
using routing::LinkId;
using routing::NodeId;
using routing::Protect;
using routing::RepairWalk;

constexpr std::size_t kPairs = 200;
constexpr Nanoseconds kConverges = 400ms;  // after a change, all routers at once
constexpr Nanoseconds kLook = 20ms;

std::vector<LinkId> links_of(const Graph& graph, const Failure& failure) {
    if (failure.kind == Failure::Kind::link) return {failure.id};
    std::vector<LinkId> links;
    for (const auto& hop : graph.hops(failure.id)) links.push_back(routing::link_of(hop.arc));
    return links;
}

/// The graph without these links, as the IGP sees it once it has converged; with the numbers that its links had.
struct Converged {
    Graph graph;
    std::vector<LinkId> whole;  ///< by its own LinkId

    Converged(const Graph& all, const std::vector<LinkId>& without) {
        for (const auto& node : all.nodes()) graph.add_node(node);
        for (LinkId link = 0; link < all.link_count(); ++link) {
            if (std::ranges::find(without, link) != without.end()) continue;
            graph.add_link(all.link(link));
            whole.push_back(link);
        }
        graph.freeze();
    }
};

class Simulation {
  public:
    Simulation(const Graph& graph, Protect protect, std::uint32_t seed)
        : graph_(graph),
          protect_(protect),
          random_(seed),
          sessions_(graph, settings(), {}, seed),
          whole_(graph, protect) {
        whole_.believe([this](ArcId arc) { return sessions_.rank(arc); });
        for (std::size_t i = 0; i < kPairs; ++i) pairs_.emplace_back(any_node(), any_node());
    }

    static ProbeSettings settings() {
        ProbeSettings probe;
        probe.interval = 10ms;
        probe.wait_to_restore = 200ms;
        return probe;
    }

    /// One failure from its beginning until all is as it was.
    void strike(const Failure& failure) {
        failure_ = failure;
        links_ = links_of(graph_, failure);
        pairs_.resize(kPairs);
        for (const auto link : links_) {  // whoever is next to the failure meets it more often
            for (std::size_t i = 0; i < kPairs / 4; ++i) pairs_.emplace_back(graph_.link(link).ends[i % 2], any_node());
        }
        const auto start = sessions_.now() + Nanoseconds(random_() % 10'000'000U);
        expect_all_pass_until(start, "while all is well");
        set_broken(true);
        Nanoseconds detection{};
        for (const auto link : links_)
            detection = std::max({detection, sessions_.detection(2 * link), sessions_.detection(2 * link + 1)});
        sessions_.run_until(start + detection);
        const bool promised =
            failure.kind == Failure::Kind::link ? protect_ == Protect::link : protect_ == Protect::node;
        if (promised) expect_all_pass_until(start + kConverges, "after the detection time");
        sessions_.run_until(start + kConverges);
        converge();
        expect_all_pass_until(sessions_.now() + 100ms, "after convergence");
        set_broken(false);
        const auto healed = sessions_.now();
        expect_all_pass_until(healed + kConverges, "after the link's return");
        failure_.reset();
        whole_.fail({});
        converged_.reset();
        expect_all_pass_until(healed + kConverges + 100ms, "when the IGP uses it again");
        while (sessions_.not_up() != 0 && sessions_.now() < healed + 10s) sessions_.run_until(sessions_.now() + 10ms);
        EXPECT_EQ(sessions_.not_up(), 0U);
    }

    void start() {
        sessions_.run_until(sessions_.now() + 200ms);
        ASSERT_LE(sessions_.not_up(), graph_.link_count() / 50);  // probes are lost now and then
    }

    Failure any_failure() {
        if (protect_ == Protect::link && random_() % 4 != 0)
            return {.kind = Failure::Kind::link, .id = static_cast<LinkId>(random_() % graph_.link_count())};
        return {.kind = Failure::Kind::node, .id = any_node()};
    }

    [[nodiscard]] std::uint64_t walks() const { return walks_; }
    [[nodiscard]] std::uint64_t repaired() const { return repaired_; }
    [[nodiscard]] const SimulatedSessions& sessions() const { return sessions_; }

  private:
    NodeId any_node() { return static_cast<NodeId>(random_() % graph_.node_count()); }

    void set_broken(bool broken) {
        for (const auto link : links_) {
            sessions_.set_broken(2 * link, broken);
            sessions_.set_broken(2 * link + 1, broken);
        }
        whole_.fail(broken ? std::vector{*failure_} : std::vector<Failure>{});
    }

    void converge() {
        without_.emplace(graph_, links_);
        converged_.emplace(without_->graph, protect_);
        converged_->believe(
            [this](ArcId arc) { return sessions_.rank(2 * without_->whole[routing::link_of(arc)] + (arc & 1U)); });
    }

    [[nodiscard]] bool has_path(NodeId from, NodeId to) {
        if (!failure_) return true;
        const auto cut = routing::cut_of(graph_, *failure_);
        if (!cut.nodes.empty() && (cut.nodes[to] || cut.nodes[from])) return false;
        auto& spf = paths_[{*failure_, from}];
        if (spf.distance.empty()) spf = routing::spf_from(graph_, from, cut);
        return spf.distance[to] != routing::kUnreachable;
    }

    void expect_all_pass_until(Nanoseconds until, const char* when) {
        do {
            for (const auto& [from, to] : pairs_) {
                if (from == to || !has_path(from, to)) continue;
                auto& network = converged_ ? *converged_ : whole_;
                const auto walk = network.walk(from, to, static_cast<std::uint32_t>(walks_++));
                repaired_ += walk.repairs != 0 ? 1 : 0;
                ASSERT_EQ(walk.end, End::delivered)
                    << when << ": " << graph_.node(from).name << " to " << graph_.node(to).name
                    << (failure_ ? ", " + routing::describe(graph_, *failure_) : std::string());
            }
            sessions_.run_until(std::min(until, sessions_.now() + kLook));
        } while (sessions_.now() + kLook / 4 < until);
        paths_.clear();
    }

    const Graph& graph_;
    Protect protect_;
    std::mt19937 random_;
    SimulatedSessions sessions_;
    RepairWalk whole_;
    std::optional<Converged> without_;
    std::optional<RepairWalk> converged_;  ///< set: what the routers go by
    std::vector<std::pair<NodeId, NodeId>> pairs_;
    std::optional<Failure> failure_;
    std::vector<LinkId> links_;  ///< that have failed
    std::map<std::pair<Failure, NodeId>, routing::Spf> paths_;
    std::uint64_t walks_ = 0;
    std::uint64_t repaired_ = 0;
};

TEST(Simulation, NoPairIsWithoutAPathForLonger) {
    const bool nightly = routing::rounds(1) != 1;
    for (const auto protect : {Protect::link, Protect::node}) {
        const auto graph =
            routing::RandomGraph{.nodes = nightly ? 10'000U : 1'000U, .degree = 4, .max_metric = 20, .seed = 7}.graph();
        Simulation simulation(graph, protect, 7);
        simulation.start();
        for (unsigned i = 0; i < 10 && !testing::Test::HasFailure(); ++i) simulation.strike(simulation.any_failure());
        std::printf("%zu routers, %s protection: %llu packets, %llu of them repaired; %llu probes\n",
                    graph.node_count(), protect == Protect::link ? "link" : "node",
                    static_cast<unsigned long long>(simulation.walks()),
                    static_cast<unsigned long long>(simulation.repaired()),
                    static_cast<unsigned long long>(simulation.sessions().probes()));
        EXPECT_GT(simulation.repaired(), 20U);
    }
}

}  // namespace
}  // namespace sidestep
