// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Matches adjacencies of the configuration with links of the graph. Topology files have link ids. Link-state databases
// have none, and made-up ids would depend on the order of routers, which cannot be known beforehand.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "detector/core/config.hpp"
#include "routing/core/graph.hpp"

namespace sidestep {

struct LinkNames {
    std::unordered_map<routing::ArcId, std::string> adjacency;  ///< by arc out of this node
    std::vector<std::string> unclaimed;                         ///< ids of its links to routers that have no adjacency
};

/// The rules are those of to_policy_set() (computed_policies.hpp). Adjacencies whose neighbor is known by IPv4 are left
/// out: repairs are SRv6.
LinkNames match_links(const routing::Graph& graph, routing::NodeId plr,
                      const std::vector<AdjacencyConfig>& adjacencies);

}  // namespace sidestep
