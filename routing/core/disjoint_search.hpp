// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cheapest two paths from one node to another that share as few links, or links and nodes, as possible: a flow of
// two units, found by the shortest path and one augmenting path (Suurballe 1974, Bhandari 1999).
//
// Using a link (or node) for the second time costs one unit of sharing, which is more than all metrics together. That
// cost is convex, so two augmentations along shortest paths give the cheapest flow, and maximal disjointness needs no
// case of its own. The second search uses costs reduced by the distances from the source. They are zero along the
// shortest path tree, so most of the search is a walk without a heap: all states of one distance are settled first, and
// then those beyond them are put on the heap.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {

class PairSearch {
  public:
    /// `nodes`: whether shared nodes count, too.
    PairSearch(const Graph& graph, NodeId source, bool nodes);

    [[nodiscard]] bool reaches(NodeId destination) const {
        return destination != spf_.root && spf_.distance[destination] != kUnreachable;
    }
    /// The two paths to a destination that is reached; they may be the same.
    std::array<std::vector<ArcId>, 2> to(NodeId destination);

  private:
    /// A node as an entrance; on the first path, an exit of its own as well: index + number of nodes.
    using State = std::uint32_t;
    using Entry = std::pair<Distance, State>;
    static constexpr ArcId kNoArc = ~0U;

    /// How the second path came to a state.
    struct Step {
        State from = 0;
        ArcId arc = kNoArc;    ///< kNoArc: between entrance and exit
        bool cancels = false;  ///< against `arc` of the first path
    };

    void trace(NodeId destination);
    void search(NodeId destination);
    void go_level(State state);
    void go_up(State state);
    void offer(State state, Distance distance, Step step);
    [[nodiscard]] NodeId node_of(State state) const {
        return state < graph_->node_count() ? state : state - static_cast<State>(graph_->node_count());
    }
    [[nodiscard]] State exit_of(NodeId node) const {
        return into_[node] == kNoArc ? node : node + static_cast<State>(graph_->node_count());
    }
    [[nodiscard]] std::array<std::vector<ArcId>, 2> untangle(NodeId destination) const;

    /// An arc that a second path may use, at its reduced cost.
    struct Reduced {
        NodeId to;
        ArcId arc;
        Distance cost;
    };
    void reduce();

    const Graph* graph_;
    Spf spf_;
    Distance for_node_;
    std::vector<ArcId> parent_;              ///< by node: the last arc of its shortest path
    std::vector<ArcId> first_;               ///< the first path, from its end to the source
    std::vector<ArcId> into_;                ///< by inner node of the first path: its arc to it; else kNoArc
    std::vector<ArcId> out_of_;              ///< by node of the first path: its arc out of it; else kNoArc
    std::vector<Reduced> arcs_;              ///< by the node that they leave
    std::vector<std::uint32_t> first_arc_;   ///< of each node; one more at the end
    std::vector<std::uint32_t> first_dear_;  ///< of each node: of its arcs that cost something, which come last
    std::vector<Distance> distance_;
    std::vector<Step> step_;
    std::vector<State> level_;   ///< states at the distance that is being settled
    std::vector<State> closed_;  ///< those of them that were settled
    std::vector<Entry> heap_;
    Distance at_ = 0;  ///< that distance
};

}  // namespace sidestep::routing
