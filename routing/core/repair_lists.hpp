// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds the shortest repair lists against one failure, to all destinations at once.
//
// A label at node x says: with `count` segments a packet can be brought, along a post-convergence path, to the anchor
// (the end of the last segment, or the first hop), and from there plain forwarding towards x avoids the failure. Labels
// walk down the DAG of post-convergence paths. Over an arc v -> w a label stays as it is while clean(anchor, w) holds.
// When no label of v does, v becomes the end of a node segment; when not even clean(v, w) holds, the arc becomes an
// adjacency segment.
//
// Few labels suffice. If clean(a, w) holds then so does clean(v, w) for every v between the two, so the latest anchor
// is the best, and one more segment buys the anchor v itself, which is better than every earlier one. So a node keeps
// labels of the smallest count only: one per anchor, or just one if the node is the anchor. That is exact, equal-cost
// post-convergence paths included.
#pragma once

#include <limits>
#include <vector>

#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

class RepairLists {
  public:
    RepairLists(const Graph& graph, NodeId plr, const Failure& failure, OldTrees& trees);
    /// Lists along the shortest paths of `graph`, made of stretches that `exposure` calls clean; its ids are those of
    /// `graph`.
    RepairLists(const Graph& graph, NodeId plr, Exposure exposure);

    /// Whether the destination can be reached at all after the failure.
    [[nodiscard]] bool reaches(NodeId destination) const { return spf_.distance[destination] != kUnreachable; }
    /// Fills in via, segments, cost and path towards `repair.destination`, which must be reachable.
    void fill(Repair& repair) const;
    /// Whether plain forwarding from the start to the destination is clean, so that no list is needed at all.
    [[nodiscard]] bool needless(NodeId destination) const { return clean(spf_.root, destination); }

  private:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    /// How a label came over its last arc.
    enum class Step { extend, node, adjacency, node_and_adjacency };

    struct Label {
        NodeId node;             ///< the node it is at
        NodeId anchor;           ///< where the last segment ends
        std::uint32_t count;     ///< segments so far
        Step step;               ///< what the last arc added
        ArcId arc;               ///< the last arc
        std::uint32_t previous;  ///< label at the start of the last arc; kNone at the first hop
        std::uint32_t next;      ///< next label of the same node; kNone at the end
    };

    void label_all();
    void expand(NodeId node, const Hop& hop);
    void offer(Label label);
    /// Turns "node P, node B" into "node P, adjacency P-Q" where that reaches as far: P's End.X is one SID for both,
    /// and with symmetric metrics it always does (P and Q are neighbors).
    void prefer_adjacencies(Repair& repair, const std::vector<std::size_t>& places) const;
    /// A host has no SIDs. Where its prefix is another's too, and it has to be named, the router before it is.
    void end_before_host(Repair& repair) const;
    [[nodiscard]] bool clean(NodeId anchor, NodeId node) const {
        return exposure_.clean(anchor, node, spf_.distance[node] - spf_.distance[anchor]);
    }

    const Graph* graph_;
    Cut cut_;
    Spf spf_;  ///< post-convergence distances from the PLR
    Exposure exposure_;
    std::vector<Label> labels_;
    std::vector<std::uint32_t> first_;  ///< first label of each node; kNone if it has none
};

}  // namespace sidestep::routing
