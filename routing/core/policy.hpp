// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The result for the data plane: per destination the candidate paths in order (RFC 9256), and per adjacency a bypass
// for everything that no policy covers. The detector adds sessions and header bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// A path to a destination: over `out`, with `sids` pushed (none means plain forwarding).
struct Candidate {
    ArcId out = 0;
    std::vector<Address> sids;       ///< travel order
    std::optional<Failure> against;  ///< the failure this repairs; none for a primary path

    bool operator==(const Candidate&) const = default;
};

/// The first candidate whose adjacency is up is used. Primary paths come first, then repairs against nodes,
/// SRLGs, links.
struct Policy {
    NodeId destination = 0;
    std::vector<Prefix> prefixes;  ///< locator, loopback and attached prefixes of the destination
    std::vector<Candidate> candidates;
};

/// The path of packets that would have left by `around`, to any destination: a tunnel to that arc's end.
struct Bypass {
    ArcId around = 0;
    Candidate candidate;
};

/// The policies of one node as one value, so that a reader never sees half of a change.
struct Policies {
    std::vector<Policy> policies;       ///< by destination
    std::vector<Bypass> bypasses;       ///< by arc; none for arcs that cannot be bypassed
    std::vector<std::string> warnings;  ///< repairs that exist but cannot be expressed, and why
};

/// All policies and bypasses of `plr`. The bypasses protect links, whatever `protect` says.
Policies compute_policies(const Graph& graph, NodeId plr, Protect protect, const SidOptions& options);

/// The prefixes that lead to a node.
std::vector<Prefix> prefixes_of(const Node& node);

}  // namespace sidestep::routing
