// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// TI-LFA (RFC 9855): the repairs of one node. Segments are abstract here (nodes and arcs); sids.hpp turns them
// into addresses.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"

namespace sidestep::routing {

enum class Protect { link, node, srlg };

/// A node segment (shortest path to the node) or an adjacency segment (over one arc).
struct Segment {
    enum class Kind { node, adjacency };
    Kind kind = Kind::node;
    std::uint32_t id = 0;  ///< NodeId or ArcId

    auto operator<=>(const Segment&) const = default;
};

/// The repair for packets to one destination after one failure next to this node.
struct Repair {
    NodeId destination = 0;
    Failure failed;
    std::vector<ArcId> primary;     ///< first hops before the failure, ascending
    bool found = false;             ///< whether there is a repair at all; if not, only `reason` follows
    std::string reason;             ///< why there is none
    ArcId via = 0;                  ///< the arc out of this node
    std::vector<Segment> segments;  ///< in travel order, from the end of `via`; without the destination
    Distance cost = 0;              ///< of the post-convergence path
    std::vector<ArcId> path;        ///< the post-convergence path, beginning with `via`
};

/// Whether `failed` takes the link of `arc` with it, seen from the arc's start.
bool fails_with(const Graph& graph, ArcId arc, const Failure& failed);

/// All repairs of `plr`, by destination, then failure: one for each failure that a primary path of the destination
/// uses at its first hop, and for its LAN, whatever `protect` says. Where a node (or a whole SRLG) cannot be protected against, its link is protected instead;
/// an SRLG's own entry stays and gives the reason. Destinations that are unreachable before the failure have none.
std::vector<Repair> compute_repairs(const Graph& graph, NodeId plr, Protect protect);

/// The nodes of the path of a found repair, `plr` first; an anycast destination's path ends at the owner it reaches.
std::vector<NodeId> path_nodes(const Graph& graph, const Repair& repair);

/// "B, B-C": node segments by node, adjacency segments by link.
std::string to_string(const Graph& graph, const std::vector<Segment>& segments);

}  // namespace sidestep::routing
