// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The policies that routing computed for this node, in the types of the configuration. The set is one value and is
// replaced as a whole, so policies of two networks never mix. Plain data; detector/feed/computed_policies makes it from
// a graph.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detector/core/config.hpp"

namespace sidestep {

struct PolicySet {
    std::vector<PolicyConfig> policies;  ///< without prefixes that are in a policy of the file
    std::map<std::string, std::vector<CandidateConfig>> bypasses;  ///< by name of the adjacency that they bypass
    /// Destinations of the graph without policy; a shorter prefix of another policy must not match them.
    std::vector<Prefix> unprotected = {};
    std::vector<SidConfig> sids;        ///< of this node
    std::vector<std::string> warnings;  ///< destinations that are not protected, and why
};

}  // namespace sidestep
