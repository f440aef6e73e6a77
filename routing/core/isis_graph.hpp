// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns a link-state database into the graph. FRR 8.4's database has no SIDs, so a plan supplies them: locators are the
// ordinary prefixes of a given length within a given block, and End.X numbers follow from neighbors' locators
// (sids.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/isis_database.hpp"

namespace sidestep::routing {

/// Which prefixes are locators.
struct LocatorPlan {
    Prefix block;
    std::uint8_t length = 48;
};

struct IsisGraph {
    Graph graph;
    std::optional<NodeId> self;         ///< the router that was asked
    std::vector<std::string> warnings;  ///< what is left out, and why
};

/// Routers become nodes in the order of the database. A link exists where both ends report it (ISO 10589, 7.2.6);
/// parallel links are paired by rank of metric, since the database has no link ids. A LAN becomes a link between each
/// two of its routers, all in one shared risk group.
IsisGraph graph_of(const IsisDatabase& database, const LocatorPlan& plan);

}  // namespace sidestep::routing
