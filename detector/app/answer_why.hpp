// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Why packets to a destination take the way that they take now: prefix, policy, candidate, sessions, FIB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "detector/core/desired.hpp"
#include "detector/kernel/route_lookup.hpp"
#include "detector/maps/policy_table.hpp"

namespace sidestep {

/// The policy that the data plane finds for a packet.
struct FoundPolicy {
    const Policy* policy = nullptr;  ///< null: none
    std::optional<Prefix> prefix;    ///< of the policy; none for a bypass
};

/// The longest prefix wins; where none matches, the bypass of the adjacency that the FIB uses.
FoundPolicy find_policy(const std::vector<Policy>& policies, const std::vector<AdjacencyKey>& adjacencies,
                        const Address& destination, const Result<FibAnswer>& fib);

/// The sessions that the candidates of a policy depend on, each once.
std::vector<std::string> sessions_of(const PolicyConfig& policy);

/// One sentence on the choice; `active`: position of the candidate that packets take, -1: none.
std::string explain_choice(const FoundPolicy& found, int active, const Result<FibAnswer>& fib);

nlohmann::json to_json(const Result<FibAnswer>& fib);

}  // namespace sidestep
