// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Forwards a repaired packet hop by hop as a network would that has not noticed the failure: every router follows its
// old shortest paths, and every equal-cost choice is tried.
#pragma once

#include <map>
#include <string>

#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

class Forwarding {
  public:
    explicit Forwarding(const Graph& graph) : graph_(&graph) {}

    /// Empty if the packet always arrives at the cost of the repair without meeting what failed or any node twice;
    /// else what went wrong.
    std::string check(NodeId plr, const Repair& repair);

  private:
    const Spf& to(NodeId target);

    const Graph* graph_;
    std::map<NodeId, Spf> to_;
};

}  // namespace sidestep::routing
