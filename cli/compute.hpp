// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep compute` prints the repairs of one node, for people and for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// "link", "node" or "srlg", as on the command line.
std::string_view name_of(Protect protect);

/// The name of what failed: a link id, a node name or an SRLG number.
std::string name_of(const Graph& graph, const Failure& failure);

class Report {
  public:
    Report(const Graph& graph, NodeId plr, Protect protect, const SidOptions& options);

    /// {"node", "protect", "repairs": [...]} as docs/api.md describes it.
    [[nodiscard]] std::string json() const;
    /// One line per repair.
    [[nodiscard]] std::string text() const;

  private:
    struct Entry {
        Repair repair;
        std::vector<Address> sids;
        std::string reason;  ///< why it is unprotectable; empty if it is protected
    };

    const Graph* graph_;
    NodeId plr_;
    Protect protect_;
    std::vector<Entry> entries_;
};

}  // namespace sidestep::routing
