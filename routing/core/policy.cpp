// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns repairs into policies: groups them by destination, resolves SIDs, removes duplicates.
#include "routing/core/policy.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "routing/core/repair_lists.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {
namespace {

void add_candidate(Policy& policy, Candidate candidate) {
    const auto same = [&](const Candidate& other) {
        return other.out == candidate.out && other.sids == candidate.sids;
    };
    if (std::none_of(policy.candidates.begin(), policy.candidates.end(), same)) {
        policy.candidates.push_back(std::move(candidate));
    }
}

/// Repairs against links, for destinations whose repair against more than that cannot be expressed.
class LinkRepairs {
  public:
    LinkRepairs(const Graph& graph, NodeId plr, const SidOptions& options)
        : graph_(graph), plr_(plr), options_(options), trees_(graph) {}

    /// Candidates in place of a repair that has no list, one for each first hop that the failure takes.
    std::vector<Candidate> instead_of(const Repair& repair) {
        std::vector<Candidate> result;
        for (const auto arc : repair.primary) {
            if (!fails_with(graph_, arc, repair.failed)) continue;
            const Failure failure{.kind = Failure::Kind::link, .id = link_of(arc)};
            auto& lists = lists_[failure.id];
            if (!lists) lists = std::make_unique<RepairLists>(graph_, plr_, failure, trees_);
            if (!lists->reaches(repair.destination)) continue;
            Repair smaller;
            smaller.destination = repair.destination;
            smaller.failed = failure;
            lists->fill(smaller);
            if (auto sids = repair_sids(graph_, smaller, options_))
                result.push_back({.out = smaller.via, .sids = std::move(*sids), .against = failure});
        }
        return result;
    }

  private:
    const Graph& graph_;
    NodeId plr_;
    SidOptions options_;
    OldTrees trees_;
    std::map<LinkId, std::unique_ptr<RepairLists>> lists_;
};

/// The link of this hop, with its LAN if the neighbor can be reached without that.
Failure failure_to_bypass(const Graph& graph, NodeId plr, const Hop& hop, OldTrees& trees) {
    for (const auto srlg : graph.link(link_of(hop.arc)).srlgs) {
        const Failure lan{.kind = Failure::Kind::srlg, .id = srlg};
        if (srlg >= kFirstLan && RepairLists(graph, plr, lan, trees).reaches(hop.neighbor)) return lan;
    }
    return {.kind = Failure::Kind::link, .id = link_of(hop.arc)};
}

void add_bypasses(const Graph& graph, NodeId plr, const SidOptions& options, Policies& result) {
    OldTrees trees(graph);
    for (const auto& hop : graph.hops(plr)) {
        if (graph.node(hop.neighbor).kind == NodeKind::anycast) continue;
        const auto failure = failure_to_bypass(graph, plr, hop, trees);
        const RepairLists lists(graph, plr, failure, trees);
        if (!lists.reaches(hop.neighbor)) continue;
        Repair repair;
        repair.destination = hop.neighbor;
        repair.failed = failure;
        lists.fill(repair);
        auto sids = tunnel_sids(graph, repair, options);
        if (!sids) {
            result.warnings.push_back(
                fmt::format("no bypass around {}: {}", describe(graph, failure), sids.error().message));
            continue;
        }
        result.bypasses.push_back(
            {.around = hop.arc, .candidate = {.out = repair.via, .sids = std::move(*sids), .against = failure}});
    }
}

}  // namespace

std::vector<Prefix> prefixes_of(const Node& node) {
    std::vector<Prefix> result = node.prefixes;
    if (node.locator) result.push_back(*node.locator);
    if (node.loopback) result.push_back({.address = *node.loopback, .length = 128});
    return result;
}

Policies compute_policies(const Graph& graph, NodeId plr, Protect protect, const SidOptions& options) {
    Policies result;
    LinkRepairs link_repairs(graph, plr, options);
    std::vector<std::pair<std::size_t, Candidate>> last;  // behind all others of their policies
    for (const auto& repair : compute_repairs(graph, plr, protect)) {
        if (result.policies.empty() || result.policies.back().destination != repair.destination) {
            Policy policy{.destination = repair.destination,
                          .prefixes = prefixes_of(graph.node(repair.destination)),
                          .candidates = {}};
            for (const auto arc : repair.primary) {
                add_candidate(policy, {.out = arc, .sids = {}, .against = std::nullopt});
            }
            result.policies.push_back(std::move(policy));
        }
        if (!repair.found) continue;
        auto sids = repair_sids(graph, repair, options);
        if (!sids) {
            const bool more = repair.failed.kind != Failure::Kind::link;
            auto instead = more ? link_repairs.instead_of(repair) : std::vector<Candidate>();
            result.warnings.push_back(fmt::format("{} is unprotected against {}: {}{}",
                                                  graph.node(repair.destination).name, describe(graph, repair.failed),
                                                  sids.error().message,
                                                  instead.empty() ? "" : "; its link is protected instead"));
            for (auto& candidate : instead) last.emplace_back(result.policies.size() - 1, std::move(candidate));
            continue;
        }
        add_candidate(result.policies.back(), {.out = repair.via, .sids = std::move(*sids), .against = repair.failed});
    }
    for (auto& [policy, candidate] : last) add_candidate(result.policies[policy], std::move(candidate));
    add_bypasses(graph, plr, options, result);
    return result;
}

}  // namespace sidestep::routing
