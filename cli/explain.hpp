// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep explain` draws why a destination is protected the way it is.
#pragma once

#include <string>

#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// For each failure that matters to the destination: the post-convergence path with P and Q marked, the spaces, the
/// repair list, its SIDs; then the candidates as they are installed. Ends in a newline.
std::string explain_destination(const Graph& graph, NodeId plr, NodeId destination, Protect protect,
                                const SidOptions& options);

}  // namespace sidestep::routing
