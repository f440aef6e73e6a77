// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The IS-IS adjacencies of the router that is asked, as FRR's isisd prints them. The link-state database has no link ids;
// these say by which interface a neighbor is reached, so that parallel links keep their identity when one of them fails.
#pragma once

#include <string>
#include <vector>

#include "routing/core/graph.hpp"

namespace sidestep::routing {

struct IsisAdjacency {
    std::string neighbor;  ///< its host name, or its system ID
    std::string interface;
    Metric metric = 0;  ///< of the interface; 0: unknown

    bool operator==(const IsisAdjacency&) const = default;
};

/// Reads "show isis neighbor detail" followed by "show isis interface detail". Only adjacencies of this level that are up.
/// Text that is anything else gives nothing.
std::vector<IsisAdjacency> parse_isis_adjacencies(const std::string& text, int level = 2);

}  // namespace sidestep::routing
