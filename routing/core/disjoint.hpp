// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two ways from one node to another that share as little as possible, for traffic that is sent twice. docs/routing.md
// says what "as little as possible" is, and why each list allows the routers no choice.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "routing/core/disjoint_lists.hpp"
#include "routing/core/disjoint_search.hpp"
#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {

/// What the two ways must not share. Each includes the one before it; a LAN counts as a link.
enum class Disjoint { link, node, srlg };

/// "link", "node" or "srlg".
std::string_view name_of(Disjoint disjoint);

/// The two ways to one destination.
struct DisjointPair {
    NodeId destination = 0;
    bool found = false;           ///< whether there are two ways at all; if not, only `reason` follows
    std::string reason;           ///< why there are not
    std::vector<Failure> shared;  ///< what both use although it was to be avoided: nodes, groups, links; ascending
    std::array<std::vector<ArcId>, 2> paths;  ///< the cheaper one first
    std::array<Distance, 2> costs{};
};

/// The pairs of one source.
class DisjointPairs {
  public:
    DisjointPairs(const Graph& graph, NodeId source, Disjoint disjoint);

    /// The pair with the fewest shared links, and nodes and groups where asked for, and among those the one of least
    /// cost. With groups (SRLGs, LANs) this is a search of bounded length: the problem is NP-complete.
    DisjointPair to(NodeId destination);

  private:
    [[nodiscard]] std::vector<Srlg> groups_of(const std::vector<ArcId>& path) const;
    [[nodiscard]] std::vector<Failure> shared_by(const std::vector<ArcId>& one, const std::vector<ArcId>& other) const;
    [[nodiscard]] std::vector<ArcId> shortest(NodeId destination, const Cut& cut) const;
    [[nodiscard]] Cut without(const std::vector<ArcId>& path, const std::vector<Failure>& excluded) const;
    void avoid_groups(DisjointPair& pair) const;
    void change_over(DisjointPair& pair) const;
    void set_paths(DisjointPair& pair, std::vector<ArcId> one, std::vector<ArcId> other) const;

    const Graph* graph_;
    NodeId source_;
    Disjoint disjoint_;
    PairSearch search_;
};

/// One of the two ways as a segment list: out by `via`, then `segments`, then the destination's own SID.
struct PinnedWay {
    std::vector<ArcId> path;
    Distance cost = 0;
    std::vector<Segment> segments;
    std::vector<Address> sids;  ///< travel order; the last one decapsulates at the destination
    std::string reason;         ///< why it cannot be expressed; empty if it can
};

/// Expresses a way of a found pair, for H.Encaps.
PinnedWay pin_way(const Graph& graph, const DisjointPair& pair, std::size_t which, const SidOptions& options,
                  UniquePaths& unique);

}  // namespace sidestep::routing
