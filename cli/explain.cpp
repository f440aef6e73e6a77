// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Draws one destination's repairs.
#include "cli/explain.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "cli/compute.hpp"
#include "routing/core/policy.hpp"
#include "routing/core/spaces.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {
namespace {

std::string names(const Graph& graph, const std::vector<NodeId>& nodes) {
    if (nodes.empty()) return "none";
    std::vector<std::string> texts;
    texts.reserve(nodes.size());
    for (const auto node : nodes) texts.push_back(graph.node(node).name);
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string addresses(const std::vector<Address>& sids) {
    std::vector<std::string> texts;
    texts.reserve(sids.size());
    for (const auto& sid : sids) texts.push_back(sid.to_string());
    return fmt::format("{}", fmt::join(texts, " "));
}

bool contains(const std::vector<NodeId>& nodes, NodeId node) {
    return std::binary_search(nodes.begin(), nodes.end(), node);
}

/// The path from top to bottom: one line per node with its spaces and the packet's fate there.
std::string draw_path(const Graph& graph, const Repair& repair, const Spaces& spaces) {
    std::set<ArcId> pinned{repair.via};
    std::set<NodeId> ends;
    for (const auto& segment : repair.segments) {
        if (segment.kind == Segment::Kind::adjacency) {
            pinned.insert(segment.id);
        } else {
            ends.insert(segment.id);
        }
    }
    std::size_t width = 0;
    for (const auto node : path_nodes(graph, repair)) width = std::max(width, graph.node(node).name.size());
    const auto line = [&](NodeId node, std::string_view note) {
        const bool p = contains(spaces.extended_p, node);
        const bool q = contains(spaces.q, node);
        auto text =
            fmt::format("    {:<{}}  {}{}  {}", graph.node(node).name, width, p ? 'P' : ' ', q ? 'Q' : ' ', note);
        text.erase(text.find_last_not_of(' ') + 1);
        return text + "\n";
    };
    auto text = line(graph.from(repair.via), "repairs");
    for (const auto arc : repair.path) {
        const auto node = graph.to(arc);
        if (graph.node(node).kind == NodeKind::anycast) continue;
        text += fmt::format("    {}  {}, {}{}\n", pinned.contains(arc) ? "║" : "│", graph.link(link_of(arc)).id,
                            graph.metric(arc),
                            arc == repair.via      ? ", out of this interface"
                            : pinned.contains(arc) ? ", adjacency segment"
                                                   : "");
        text += line(node, ends.contains(node) ? "node segment ends here" : "");
    }
    return text;
}

std::string draw_repair(const Graph& graph, NodeId plr, const Repair& repair, const SidOptions& options) {
    auto text = fmt::format("\nwhen {} fails:\n", describe(graph, repair.failed));
    if (!repair.found) return text + "  unprotectable: " + repair.reason + "\n";
    const auto spaces = spaces_of(graph, plr, repair.destination, repair.failed);
    text += fmt::format("  post-convergence path, cost {} (P: in extended P-space, Q: in Q-space):\n", repair.cost);
    text += draw_path(graph, repair, spaces);
    text += fmt::format("  P-space:          {}\n", names(graph, spaces.p));
    text += fmt::format("  extended P-space: {}\n", names(graph, spaces.extended_p));
    text += fmt::format("  Q-space:          {}\n", names(graph, spaces.q));
    if (repair.segments.empty()) {
        return text + fmt::format("  repair: {} forwards past the failure by itself, no segments\n",
                                  graph.node(graph.to(repair.via)).name);
    }
    text += fmt::format("  repair list: {}\n", to_string(graph, repair.segments));
    const auto sids = repair_sids(graph, repair, options);
    if (!sids) return text + fmt::format("  unprotectable: {}\n", sids.error().message);
    return text +
           fmt::format("  SIDs by {}: {}\n", options.push == Push::encaps ? "H.Encaps" : "H.Insert", addresses(*sids));
}

std::string draw_candidates(const Graph& graph, const Policy& policy) {
    auto text = fmt::format("\npre-installed, the first candidate that is up is taken:\n");
    for (std::size_t i = 0; i < policy.candidates.size(); ++i) {
        const auto& candidate = policy.candidates[i];
        text += fmt::format("  {}: by {} to {}, {}{}\n", i, graph.link(link_of(candidate.out)).id,
                            graph.node(graph.to(candidate.out)).name,
                            candidate.sids.empty() ? "plain forwarding" : addresses(candidate.sids),
                            candidate.against ? " (against " + describe(graph, *candidate.against) + ")" : "");
    }
    if (!policy.prefixes.empty()) {
        text += "  for";
        for (const auto& prefix : policy.prefixes) text += " " + prefix.to_string();
        text += "\n";
    }
    return text;
}

}  // namespace

std::string explain_destination(const Graph& graph, NodeId plr, NodeId destination, Protect protect,
                                const SidOptions& options) {
    const auto& name = graph.node(destination).name;
    const auto spf = spf_from(graph, plr);
    if (destination == plr) return fmt::format("{} is this node: nothing to protect\n", name);
    if (spf.distance[destination] == kUnreachable) {
        return fmt::format("{} cannot be reached from {} even before a failure\n", name, graph.node(plr).name);
    }
    auto text = fmt::format("{} to {}, {} protection: cost {}", graph.node(plr).name, name, name_of(protect),
                            spf.distance[destination]);
    std::vector<std::string> primaries;
    const auto hops = first_hops(graph, spf);
    for (const auto arc : hops[destination]) {
        primaries.push_back(fmt::format("{} to {}", graph.link(link_of(arc)).id, graph.node(graph.to(arc)).name));
    }
    text += fmt::format(" by {}\n", fmt::join(primaries, " and "));
    for (const auto& repair : compute_repairs(graph, plr, protect)) {
        if (repair.destination == destination) text += draw_repair(graph, plr, repair, options);
    }
    for (const auto& policy : compute_policies(graph, plr, protect, options).policies) {
        if (policy.destination == destination) text += draw_candidates(graph, policy);
    }
    return text;
}

}  // namespace sidestep::routing
