// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Turns abstract segments into SIDs, all or nothing: an incomplete list would misroute packets.
#pragma once

#include <cstddef>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// How the list is pushed: H.Encaps (RFC 8986, 5.1), whose list ends in a decapsulating SID, or H.Insert, which needs
/// none because the original destination is the last segment.
enum class Push { encaps, insert };

struct SidOptions {
    Push push = Push::encaps;
    std::size_t max_depth = 10;  ///< maximum SID depth: SIDs pushed at most, the decapsulating one included
    bool next_csid = false;      ///< compress with NEXT-C-SID (RFC 9800)
};

/// The SIDs of a found repair in travel order; empty if plain forwarding by the neighbor is enough. A node segment
/// followed by an adjacency of that node is one SID, its End.X. With H.Encaps the node where the last segment ends
/// decapsulates: it forwards to the destination as before the failure, which is why the list may end there. The error
/// names the node without locator, the link without function number, or the depth needed and allowed.
Result<std::vector<Address>> repair_sids(const Graph& graph, const Repair& repair, const SidOptions& options);

/// The same for a tunnel: packets go beyond the destination, so the destination decapsulates.
Result<std::vector<Address>> tunnel_sids(const Graph& graph, const Repair& repair, const SidOptions& options);

}  // namespace sidestep::routing
