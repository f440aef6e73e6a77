// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A network that is converging: each router forwards by one of several graphs, whichever it knows by now, and links
// that the newest graph does not have are dead. Every equal-cost choice is tried.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// The same nodes in the same order, without these links and with these metrics raised by ten.
Graph changed(const Graph& graph, const std::set<LinkId>& without, const std::set<LinkId>& raised = {});

class Mixture {
  public:
    enum class Fate { delivered, loops, lost };

    /// All graphs have the same nodes in the same order; the last one is what there is.
    explicit Mixture(std::vector<const Graph*> graphs);

    /// By node: the index of the graph it forwards by.
    std::vector<std::size_t> knows;

    /// A packet at `from` to `to`, forwarded by what is known there and on the way. To come to `back` (where its list
    /// was put on) is a loop.
    Fate plain(NodeId from, NodeId to, NodeId back);
    /// A packet of `plr` over the list of `repair`, whose arcs are those of `graph`.
    Fate along(const Graph& graph, NodeId plr, const Repair& repair);

  private:
    enum class Mark { open, done };

    Fate visit(NodeId node, NodeId to, NodeId back, std::map<NodeId, Mark>& marks);
    const Spf& distances(std::size_t graph, NodeId to);
    [[nodiscard]] bool dead(const Graph& graph, ArcId arc) const;

    std::vector<const Graph*> graphs_;
    std::map<std::pair<std::size_t, NodeId>, Spf> distances_;
};

}  // namespace sidestep::routing
