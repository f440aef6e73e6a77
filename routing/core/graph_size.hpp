// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a graph holds in an operator's terms: "8 nodes, 12 links" is a riddle where four routers share prefixes, because
// each such prefix is a node with a link to each of its owners.
#pragma once

#include <cstddef>
#include <string>

#include "routing/core/graph.hpp"

namespace sidestep::routing {

struct GraphSize {
    std::size_t routers = 0;
    std::size_t hosts = 0;
    std::size_t links = 0;    ///< between these
    std::size_t anycast = 0;  ///< prefixes that several of them own

    bool operator==(const GraphSize&) const = default;
};

GraphSize size_of(const Graph& graph);

/// "4 routers, 1 host, 5 links, 3 shared prefixes"; hosts and shared prefixes only if there are some.
std::string to_string(const GraphSize& size);

}  // namespace sidestep::routing
