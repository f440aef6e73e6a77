// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What routing computed for this node, in the words of the configuration: one value, replaced as a whole, so that the
// policies of two networks never mix. Plain data; detector/feed/computed_policies makes it from a graph.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detector/core/config.hpp"

namespace sidestep {

struct PolicySet {
    std::vector<PolicyConfig> policies;                            ///< without prefixes that the file has policies for
    std::map<std::string, std::vector<CandidateConfig>> bypasses;  ///< by name of the adjacency that they go around
    /// Of destinations in the graph, without policy: a shorter prefix, somebody else's, must not catch them.
    std::vector<Prefix> unprotected = {};
    std::vector<SidConfig> sids;        ///< of this node
    std::vector<std::string> warnings;  ///< what is left out, and why
};

}  // namespace sidestep
