// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Segments that pin a given path: each node segment covers a stretch that is the only shortest path between its ends,
// so that no router has a choice. Two such lists share what their paths share, whatever the packets' hashes are, and
// the probes of a list's path session take the way of its packets.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/error.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// Tells where the routing has one shortest path only. Trees are computed when first asked for.
class UniquePaths {
  public:
    explicit UniquePaths(const Graph& graph) : graph_(&graph) {}
    /// Whether a path of this length is the only shortest one from `from` to `to`.
    bool only(NodeId from, NodeId to, Distance length);

  private:
    struct Tree {
        Spf spf;
        std::vector<std::uint8_t> paths;  ///< by node: the number of shortest paths; 2 stands for more, too
    };
    const Tree& from(NodeId root);

    const Graph* graph_;
    std::map<NodeId, Tree> trees_;
};

/// The fewest segments that pin `path` from the end of its first arc to its last node, which is not one of them. The
/// error names a link whose End.X may lead over another one.
Result<std::vector<Segment>> pinning_segments(const Graph& graph, const std::vector<ArcId>& path, UniquePaths& unique);

}  // namespace sidestep::routing
