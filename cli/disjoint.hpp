// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `--disjoint` of compute, explain and coverage: the pairs of ways that traffic sent twice would take.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "routing/core/disjoint.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"

namespace sidestep::routing {

/// The pairs from one node to all others.
class DisjointReport {
  public:
    DisjointReport(const Graph& graph, NodeId source, Disjoint disjoint, const SidOptions& options);

    /// {"node", "disjoint", "pairs": [...]} as docs/api.md describes it.
    [[nodiscard]] std::string json() const;
    /// A line per destination, and one per way.
    [[nodiscard]] std::string text() const;

  private:
    struct Entry {
        DisjointPair pair;
        std::vector<PinnedWay> ways;  ///< two, or none
    };

    const Graph* graph_;
    NodeId source_;
    Disjoint disjoint_;
    std::vector<Entry> entries_;
};

/// Draws both ways to a destination: what pins them, and what they share. Ends in a newline.
std::string explain_pair(const Graph& graph, NodeId source, NodeId destination, Disjoint disjoint,
                         const SidOptions& options);

/// Counts of (node, destination) pairs over all nodes.
struct DisjointCoverage {
    Disjoint disjoint = Disjoint::node;
    std::size_t pairs = 0;
    std::size_t full = 0;                        ///< share nothing of what was asked
    std::size_t partly = 0;                      ///< share some of it, as little as possible
    std::size_t one_way = 0;                     ///< there is only one way
    std::size_t no_sids = 0;                     ///< of full and partly: a way cannot be expressed
    std::map<std::size_t, std::size_t> by_sids;  ///< ways by number of SIDs pushed
};

DisjointCoverage measure_disjoint(const Graph& graph, Disjoint disjoint, const SidOptions& options);
std::string to_json(const DisjointCoverage& coverage);
std::string to_text(const DisjointCoverage& coverage);

}  // namespace sidestep::routing
