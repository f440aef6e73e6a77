// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What would become of traffic if the operator took an adjacency out of use: asked before it is done, and for --dry-run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/address.hpp"

namespace sidestep {

/// Packets that would go on by the link, since nothing else takes them.
struct StayingTraffic {
    std::string policy;  ///< that has no other way; empty: routes that are in no policy, without a usable bypass
    std::vector<Prefix> prefixes;  ///< at most kShownPrefixes of them
    std::size_t count = 0;         ///< of all

    static constexpr std::size_t kShownPrefixes = 5;

    void add(const Prefix& prefix) {
        if (++count <= kShownPrefixes) prefixes.push_back(prefix);
    }
};

struct DrainPlan {
    std::vector<std::string> moves;        ///< policies that would leave the adjacency for another way
    std::vector<std::string> unprotected;  ///< hitless policies that would go on without a second copy
    std::vector<StayingTraffic> stays;
};

/// "policy far (2001:db8::/32) and 3 routes in no policy (fd00:1::/64, ...)".
std::string to_string(const std::vector<StayingTraffic>& stays);

}  // namespace sidestep
