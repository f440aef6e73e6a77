// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// P-space, extended P-space and Q-space as sets (RFC 7490, 5.2; RFC 9855, 5), for explanations. The computation of
// repairs does not need them.
#pragma once

#include <vector>

#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"

namespace sidestep::routing {

/// Nodes in ascending order, without the PLR itself; Q-space with the destination.
struct Spaces {
    std::vector<NodeId> p;           ///< nodes that the PLR reaches by old paths that all avoid the failure
    std::vector<NodeId> extended_p;  ///< the same from any of its neighbors that the failure leaves
    std::vector<NodeId> q;           ///< nodes that reach the destination by old paths that all avoid the failure
};

Spaces spaces_of(const Graph& graph, NodeId plr, NodeId destination, const Failure& failure);

}  // namespace sidestep::routing
