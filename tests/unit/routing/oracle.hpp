// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// TI-LFA as the textbook has it, for comparison: an SPF per node of the network, P- and Q-spaces as explicit sets,
// and a plain search for the fewest segments. It shares nothing with routing/core/repair_lists.cpp but the SPF.
#pragma once

#include <optional>
#include <vector>

#include "routing/core/failure.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/spf.hpp"

namespace sidestep::routing {

class Oracle {
  public:
    /// Runs an SPF from every node.
    explicit Oracle(const Graph& graph);

    struct Answer {
        Distance cost = 0;         ///< of the post-convergence path
        std::size_t segments = 0;  ///< the fewest that follow a post-convergence path
    };
    /// What repairs of `plr` against `failure` have to look like, by destination; nullopt where there is no path.
    [[nodiscard]] std::vector<std::optional<Answer>> repairs(NodeId plr, const Failure& failure) const;

    /// clean_sets(cut)[v][w]: whether every old shortest path from v to w avoids what is cut, and there is one.
    [[nodiscard]] std::vector<std::vector<bool>> clean_sets(const Cut& cut) const;
    [[nodiscard]] const Spf& old(NodeId node) const { return old_[node]; }

  private:
    const Graph* graph_;
    std::vector<Spf> old_;
};

}  // namespace sidestep::routing
