// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep coverage` counts how much of a network is protected, and with how many segments.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// Counts of (node, failure, destination) triples over all nodes.
struct Coverage {
    Protect protect = Protect::link;
    std::size_t triples = 0;
    std::size_t protected_triples = 0;
    std::size_t cut_off = 0;                         ///< no path at all after the failure
    std::size_t no_sids = 0;                         ///< a repair exists, but not in SIDs (locator, depth)
    std::map<std::size_t, std::size_t> by_segments;  ///< protected triples by number of segments
    std::map<std::size_t, std::size_t> by_sids;      ///< protected triples by number of SIDs pushed

    /// Protected ones among those that are reachable at all after the failure, 0 to 1.
    [[nodiscard]] double share_of_reachable() const;
    /// Protected ones among all, 0 to 1.
    [[nodiscard]] double share() const;
};

Coverage measure_coverage(const Graph& graph, Protect protect, const SidOptions& options);
std::string to_json(const Coverage& coverage);
std::string to_text(const Coverage& coverage);

}  // namespace sidestep::routing
