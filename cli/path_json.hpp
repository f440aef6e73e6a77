// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The parts of a path as the routing commands print them in JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/compute.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

using Json = nlohmann::ordered_json;

inline Json first_hop(const Graph& graph, ArcId arc) {
    return {{"link", graph.link(link_of(arc)).id}, {"neighbor", graph.node(graph.to(arc)).name}};
}

inline Json failed(const Graph& graph, const Failure& failure) {
    switch (failure.kind) {
        case Failure::Kind::link:
            return {{"link", name_of(graph, failure)}};
        case Failure::Kind::node:
            return {{"node", name_of(graph, failure)}};
        case Failure::Kind::srlg:
            return {{"srlg", failure.id}};
    }
    return nullptr;
}

inline Json segment(const Graph& graph, const Segment& segment) {
    if (segment.kind == Segment::Kind::node) return {{"node", graph.node(segment.id).name}};
    return {{"link", graph.link(link_of(segment.id)).id},
            {"from", graph.node(graph.from(segment.id)).name},
            {"to", graph.node(graph.to(segment.id)).name}};
}

template <typename Items, typename Convert>
Json list(const Items& items, Convert convert) {
    auto result = Json::array();
    for (const auto& item : items) result.push_back(convert(item));
    return result;
}

}  // namespace sidestep::routing
