// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists the failures that concern each destination; repair_lists.cpp finds the repair for each.
#include "routing/core/tilfa.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "routing/core/repair_lists.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {
namespace {

/// Destinations by failure. Nodes and SRLGs come before links, which they fall back to.
using Wanted = std::map<Failure, std::set<NodeId>>;

Failure link_failure(ArcId arc) {
    return {.kind = Failure::Kind::link, .id = link_of(arc)};
}

/// The failures that protecting `arc`, a first hop towards `destination`, has to consider.
std::vector<Failure> failures_of(const Graph& graph, ArcId arc, NodeId destination, Protect protect) {
    const auto neighbor = graph.to(arc);
    std::vector<Failure> result;
    if (protect == Protect::node && neighbor != destination)
        result.push_back({.kind = Failure::Kind::node, .id = neighbor});
    for (const auto srlg : graph.link(link_of(arc)).srlgs) {
        if (protect == Protect::srlg || srlg >= kFirstLan) result.push_back({.kind = Failure::Kind::srlg, .id = srlg});
    }
    if (result.empty()) result.push_back(link_failure(arc));
    return result;
}

}  // namespace

bool fails_with(const Graph& graph, ArcId arc, const Failure& failed) {
    switch (failed.kind) {
        case Failure::Kind::link:
            return link_of(arc) == failed.id;
        case Failure::Kind::node:
            return graph.to(arc) == failed.id;
        case Failure::Kind::srlg:
            const auto& srlgs = graph.link(link_of(arc)).srlgs;
            return std::find(srlgs.begin(), srlgs.end(), failed.id) != srlgs.end();
    }
    return false;
}

std::vector<Repair> compute_repairs(const Graph& graph, NodeId plr, Protect protect) {
    OldTrees trees(graph);
    const auto primaries = first_hops(graph, trees.from(plr));
    Wanted wanted;
    for (NodeId destination = 0; destination < graph.node_count(); ++destination) {
        if (graph.owns(plr, destination)) continue;
        for (const auto arc : primaries[destination]) {
            for (const auto& failure : failures_of(graph, arc, destination, protect)) {
                wanted[failure].insert(destination);
            }
        }
    }
    std::vector<Repair> repairs;
    for (const auto& [failure, destinations] : wanted) {
        const RepairLists lists(graph, plr, failure, trees);
        for (const auto destination : destinations) {
            Repair repair;
            repair.destination = destination;
            repair.failed = failure;
            repair.primary = primaries[destination];
            if (lists.reaches(destination)) {
                lists.fill(repair);
            } else {
                repair.reason =
                    fmt::format("no path to {} without {}", graph.node(destination).name, describe(graph, failure));
                // Links sort last, so this pass still comes to them.
                if (failure.kind != Failure::Kind::link) {
                    for (const auto arc : repair.primary) {
                        if (fails_with(graph, arc, failure)) wanted[link_failure(arc)].insert(destination);
                    }
                }
                if (failure.kind == Failure::Kind::node) continue;
            }
            repairs.push_back(std::move(repair));
        }
    }
    std::sort(repairs.begin(), repairs.end(), [](const Repair& a, const Repair& b) {
        return std::tie(a.destination, a.failed) < std::tie(b.destination, b.failed);
    });
    return repairs;
}

std::vector<NodeId> path_nodes(const Graph& graph, const Repair& repair) {
    std::vector<NodeId> result;
    if (repair.path.empty()) return result;
    result.reserve(repair.path.size() + 1);
    result.push_back(graph.from(repair.via));
    for (const auto arc : repair.path) {
        if (graph.node(graph.to(arc)).kind != NodeKind::anycast) result.push_back(graph.to(arc));
    }
    return result;
}

std::string to_string(const Graph& graph, const std::vector<Segment>& segments) {
    std::vector<std::string> names;
    names.reserve(segments.size());
    for (const auto& segment : segments) {
        names.push_back(segment.kind == Segment::Kind::node ? graph.node(segment.id).name
                                                            : graph.link(link_of(segment.id)).id);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace sidestep::routing
