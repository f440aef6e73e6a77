// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The difference between two graphs of one network, by names, since ids are valid only within one graph.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "routing/core/graph.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// Links are the same if their ends, and then metrics or ids, are: in a link-state database the loss of one of several
/// parallel links changes the ids of the others. The links to anycast nodes count as prefixes, not as links.
struct GraphChange {
    std::vector<LinkId> gone;            ///< of the old graph: not in the new one
    std::vector<LinkId> raised;          ///< of the old graph: with a higher metric now, in some direction
    std::vector<LinkId> came;            ///< of the new graph: not in the old one
    std::vector<LinkId> cut;             ///< of the new graph: with a lower metric now, in some direction
    std::vector<LinkId> left_anycast;    ///< of the old graph: owners that an anycast prefix lost
    std::vector<LinkId> joined_anycast;  ///< of the new graph: owners that it won
    bool nodes = false;                  ///< a node of both graphs changed its kind, overload or locator

    /// Whether shortest paths between routers and hosts are as they were.
    [[nodiscard]] bool none() const { return !nodes && gone.empty() && raised.empty() && came.empty() && cut.empty(); }
    /// Whether the new network has no link or metric that is better than the old one's; or no worse ones. A router
    /// that knows only part of such a change has a graph between the two.
    [[nodiscard]] bool only_worse() const { return !nodes && came.empty() && cut.empty() && joined_anycast.empty(); }
    [[nodiscard]] bool only_better() const { return !nodes && gone.empty() && raised.empty() && left_anycast.empty(); }
    /// Links that changed.
    [[nodiscard]] std::size_t size() const {
        return gone.size() + raised.size() + came.size() + cut.size() + left_anycast.size() + joined_anycast.size();
    }
};

GraphChange compare(const Graph& old, const Graph& fresh);

/// Whether the change is what repairs of `plr` protect against (RFC 8333, 4.3 and 4.4): one of its own links is gone
/// and nothing else happened. Where neighbors or SRLGs are protected, also several links of one neighbor, or of one
/// SRLG, a link of `plr` among them: this is how their failure looks while it is flooded.
bool local_failure(const Graph& old, NodeId plr, const GraphChange& change, Protect protect);

}  // namespace sidestep::routing
