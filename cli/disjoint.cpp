// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prints pairs of ways as JSON, as lines and as drawings.
#include "cli/disjoint.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "cli/path_json.hpp"

namespace sidestep::routing {
namespace {

std::vector<NodeId> nodes_of(const Graph& graph, const std::vector<ArcId>& path) {
    std::vector<NodeId> result{graph.from(path.front())};
    std::ranges::transform(path, std::back_inserter(result), [&](ArcId arc) { return graph.to(arc); });
    return result;
}

std::string shared_text(const Graph& graph, const std::vector<Failure>& shared) {
    std::vector<std::string> names;
    names.reserve(shared.size());
    for (const auto& failure : shared) names.push_back(describe(graph, failure));
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string sids_text(const PinnedWay& way) {
    if (!way.reason.empty()) return "no list: " + way.reason;
    std::vector<std::string> texts;
    texts.reserve(way.sids.size());
    for (const auto& sid : way.sids) texts.push_back(sid.to_string());
    return fmt::format("{}", fmt::join(texts, " "));
}

std::vector<PinnedWay> pin(const Graph& graph, const DisjointPair& pair, const SidOptions& options,
                           UniquePaths& unique) {
    if (!pair.found) return {};
    return {pin_way(graph, pair, 0, options, unique), pin_way(graph, pair, 1, options, unique)};
}

Json way_json(const Graph& graph, const PinnedWay& way) {
    return {{"via", first_hop(graph, way.path.front())},
            {"cost", way.cost},
            {"path", list(nodes_of(graph, way.path), [&](NodeId node) { return graph.node(node).name; })},
            {"links", list(way.path, [&](ArcId arc) { return graph.link(link_of(arc)).id; })},
            {"segments", list(way.segments, [&](const Segment& item) { return segment(graph, item); })},
            {"sids", list(way.sids, [](const Address& sid) { return sid.to_string(); })},
            {"reason", way.reason.empty() ? Json(nullptr) : Json(way.reason)}};
}

/// One line per node and link, with what pins the way there.
std::string draw_way(const Graph& graph, const PinnedWay& way, const std::set<Failure>& shared) {
    const auto note = [&](const Failure& what) { return shared.contains(what) ? "  (shared)" : ""; };
    const auto has = [&](Segment segment) {
        return std::find(way.segments.begin(), way.segments.end(), segment) != way.segments.end();
    };
    auto text = fmt::format("    {}\n", graph.node(graph.from(way.path.front())).name);
    for (const auto arc : way.path) {
        const bool out = arc == way.path.front();
        const bool pinned = out || has({.kind = Segment::Kind::adjacency, .id = arc});
        const auto node = graph.to(arc);
        text += fmt::format("    {}  {}, {}{}{}\n", pinned ? "║" : "│", graph.link(link_of(arc)).id, graph.metric(arc),
                            out      ? ", out of this interface"
                            : pinned ? ", adjacency segment"
                                     : "",
                            note({.kind = Failure::Kind::link, .id = link_of(arc)}));
        text += fmt::format("    {}{}{}\n", graph.node(node).name,
                            has({.kind = Segment::Kind::node, .id = node}) ? "  node segment ends here" : "",
                            note({.kind = Failure::Kind::node, .id = node}));
    }
    return text;
}

}  // namespace

DisjointReport::DisjointReport(const Graph& graph, NodeId source, Disjoint disjoint, const SidOptions& options)
    : graph_(&graph), source_(source), disjoint_(disjoint) {
    DisjointPairs pairs(graph, source, disjoint);
    UniquePaths unique(graph);
    for (NodeId destination = 0; destination < graph.node_count(); ++destination) {
        if (destination == source || graph.node(destination).kind == NodeKind::anycast) continue;
        auto pair = pairs.to(destination);
        auto ways = pin(graph, pair, options, unique);
        entries_.push_back({.pair = std::move(pair), .ways = std::move(ways)});
    }
}

std::string DisjointReport::json() const {
    const auto& graph = *graph_;
    auto pairs = Json::array();
    for (const auto& [pair, ways] : entries_) {
        pairs.push_back({{"destination", graph.node(pair.destination).name},
                         {"status", !pair.found           ? "none"
                                    : pair.shared.empty() ? "disjoint"
                                                          : "partly"},
                         {"reason", pair.found ? Json(nullptr) : Json(pair.reason)},
                         {"shared", list(pair.shared, [&](const Failure& item) { return failed(graph, item); })},
                         {"ways", list(ways, [&](const PinnedWay& way) { return way_json(graph, way); })}});
    }
    return Json{{"node", graph.node(source_).name}, {"disjoint", name_of(disjoint_)}, {"pairs", pairs}}.dump(2);
}

std::string DisjointReport::text() const {
    const auto& graph = *graph_;
    std::vector<std::string> lines;
    for (const auto& [pair, ways] : entries_) {
        const auto& name = graph.node(pair.destination).name;
        if (!pair.found) {
            lines.push_back(fmt::format("{}: {}", name, pair.reason));
            continue;
        }
        lines.push_back(fmt::format("{}: {}-disjoint{}{}", name, name_of(disjoint_),
                                    pair.shared.empty() ? "" : " but for ", shared_text(graph, pair.shared)));
        for (const auto& way : ways) {
            std::vector<std::string> names;
            for (const auto node : nodes_of(graph, way.path)) names.push_back(graph.node(node).name);
            lines.push_back(fmt::format("  cost {} by {}, {}: {}", way.cost, graph.link(link_of(way.path.front())).id,
                                        fmt::join(names, " "), sids_text(way)));
        }
    }
    return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string explain_pair(const Graph& graph, NodeId source, NodeId destination, Disjoint disjoint,
                         const SidOptions& options) {
    const auto pair = DisjointPairs(graph, source, disjoint).to(destination);
    UniquePaths unique(graph);
    auto text = fmt::format("{} to {} by two ways, {}-disjoint", graph.node(source).name, graph.node(destination).name,
                            name_of(disjoint));
    if (!pair.found) return text + ": " + pair.reason + "\n";
    if (!pair.shared.empty()) text += " but for " + shared_text(graph, pair.shared);
    text += "\n";
    const std::set<Failure> shared(pair.shared.begin(), pair.shared.end());
    for (const auto& way : pin(graph, pair, options, unique)) {
        text += fmt::format("\n  cost {}:\n", way.cost) + draw_way(graph, way, shared);
        text += fmt::format("  SIDs by H.Encaps: {}\n", sids_text(way));
    }
    return text;
}

DisjointCoverage measure_disjoint(const Graph& graph, Disjoint disjoint, const SidOptions& options) {
    DisjointCoverage result;
    result.disjoint = disjoint;
    UniquePaths unique(graph);
    for (NodeId source = 0; source < graph.node_count(); ++source) {
        if (graph.node(source).kind == NodeKind::anycast) continue;
        DisjointPairs pairs(graph, source, disjoint);
        for (NodeId destination = 0; destination < graph.node_count(); ++destination) {
            if (destination == source || graph.node(destination).kind == NodeKind::anycast) continue;
            const auto pair = pairs.to(destination);
            ++result.pairs;
            if (!pair.found) {
                ++result.one_way;
                continue;
            }
            ++(pair.shared.empty() ? result.full : result.partly);
            const auto ways = pin(graph, pair, options, unique);
            const auto failing = [](const PinnedWay& way) { return !way.reason.empty(); };
            if (std::ranges::any_of(ways, failing)) {
                ++result.no_sids;
                continue;
            }
            for (const auto& way : ways) ++result.by_sids[way.sids.size()];
        }
    }
    return result;
}

std::string to_json(const DisjointCoverage& coverage) {
    auto sids = Json::object();
    for (const auto& [value, count] : coverage.by_sids) sids[std::to_string(value)] = count;
    return Json{{"disjoint", name_of(coverage.disjoint)},
                {"pairs", coverage.pairs},
                {"full", coverage.full},
                {"partly", coverage.partly},
                {"one_way", coverage.one_way},
                {"no_sids", coverage.no_sids},
                {"sids", sids}}
        .dump(2);
}

std::string to_text(const DisjointCoverage& coverage) {
    const auto percent = [&](std::size_t part) {
        return coverage.pairs == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(coverage.pairs);
    };
    auto text = fmt::format(
        "{}-disjoint ways: {} (node, destination) pairs\n"
        "two that share nothing: {} ({:.2f} %)\n"
        "two that share as little as possible: {} ({:.2f} %)\n"
        "only one way, or none: {}, without SIDs: {}",
        name_of(coverage.disjoint), coverage.pairs, coverage.full, percent(coverage.full), coverage.partly,
        percent(coverage.partly), coverage.one_way, coverage.no_sids);
    for (const auto& [value, count] : coverage.by_sids) text += fmt::format("\n{:>3} SIDs: {:>9} ways", value, count);
    return text;
}

}  // namespace sidestep::routing
