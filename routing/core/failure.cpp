// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Failures as sets of links and nodes, and the distances around them.
#include "routing/core/failure.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

/// The links that fail with a link or an SRLG.
std::vector<LinkId> failed_links(const Graph& graph, const Failure& failure) {
    if (failure.kind == Failure::Kind::link) return {failure.id};
    std::vector<LinkId> result;
    if (failure.kind == Failure::Kind::srlg) {
        for (LinkId id = 0; id < graph.link_count(); ++id) {
            const auto& srlgs = graph.link(id).srlgs;
            if (std::find(srlgs.begin(), srlgs.end(), failure.id) != srlgs.end()) result.push_back(id);
        }
    }
    return result;
}

}  // namespace

std::string describe(const Graph& graph, const Failure& failure) {
    switch (failure.kind) {
        case Failure::Kind::link:
            return "link " + graph.link(failure.id).id;
        case Failure::Kind::node:
            return "node " + graph.node(failure.id).name;
        case Failure::Kind::srlg:
            if (failure.id >= kFirstLan) return fmt::format("LAN {}", failure.id - kFirstLan + 1);
            return fmt::format("SRLG {}", failure.id);
    }
    return "?";
}

Cut cut_of(const Graph& graph, const Failure& failure) {
    Cut cut;
    if (failure.kind == Failure::Kind::node) {
        cut.nodes.resize(graph.node_count());
        cut.nodes[failure.id] = true;
    } else {
        cut.links.resize(graph.link_count());
        for (const auto link : failed_links(graph, failure)) cut.links[link] = true;
    }
    return cut;
}

const Spf& OldTrees::from(NodeId root) {
    const auto found = from_.find(root);
    return found != from_.end() ? found->second : from_.emplace(root, spf_from(*graph_, root)).first->second;
}

const Spf& OldTrees::to(NodeId root) {
    const auto found = to_.find(root);
    return found != to_.end() ? found->second : to_.emplace(root, spf_to(*graph_, root)).first->second;
}

Exposure::Exposure(const Graph& graph, const Failure& failure, OldTrees& trees) : graph_(&graph) {
    if (failure.kind == Failure::Kind::node) add(failure.id, failure.id, 0, trees);
    add(failed_links(graph, failure), trees);
}

Exposure::Exposure(const Graph& graph, const std::vector<LinkId>& links, OldTrees& trees, std::vector<NodeId> ids)
    : graph_(&graph), ids_(std::move(ids)) {
    add(links, trees);
}

void Exposure::add(NodeId tail, NodeId head, Distance metric, OldTrees& trees) {
    parts_.push_back(
        {.tail = tail, .head = head, .metric = metric, .to_tail = &trees.to(tail), .from_head = &trees.from(head)});
}

void Exposure::add(const std::vector<LinkId>& links, OldTrees& trees) {
    for (const auto link : links) {
        for (const ArcId arc : {2 * link, 2 * link + 1}) {
            add(graph_->from(arc), graph_->to(arc), graph_->metric(arc), trees);
        }
    }
}

}  // namespace sidestep::routing
