// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "routing/core/graph_size.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace sidestep::routing {
namespace {

std::string count(std::size_t number, std::string_view one, std::string_view several) {
    return fmt::format("{} {}", number, number == 1 ? one : several);
}

}  // namespace

GraphSize size_of(const Graph& graph) {
    GraphSize size;
    for (const auto& node : graph.nodes()) {
        auto& counter = node.kind == NodeKind::router ? size.routers
                        : node.kind == NodeKind::host ? size.hosts
                                                      : size.anycast;
        ++counter;
    }
    const auto is_anycast = [&](NodeId node) { return graph.node(node).kind == NodeKind::anycast; };
    size.links = static_cast<std::size_t>(std::ranges::count_if(
        graph.links(), [&](const Link& link) { return std::ranges::none_of(link.ends, is_anycast); }));
    return size;
}

std::string to_string(const GraphSize& size) {
    auto text = count(size.routers, "router", "routers");
    if (size.hosts > 0) text += ", " + count(size.hosts, "host", "hosts");
    text += ", " + count(size.links, "link", "links");
    if (size.anycast > 0) text += ", " + count(size.anycast, "shared prefix", "shared prefixes");
    return text;
}

}  // namespace sidestep::routing
