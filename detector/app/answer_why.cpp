// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/answer_why.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {
namespace {

using nlohmann::json;

bool uses(const AdjacencyKey& adjacency, const Address& destination, const FibAnswer& fib) {
    if (adjacency.interface != fib.interface) return false;
    const auto& next = fib.gateway ? *fib.gateway : destination;  // without gateway it is on the link
    return next == adjacency.neighbor || std::ranges::count(adjacency.gateways, next) > 0;
}

}  // namespace

FoundPolicy find_policy(const std::vector<Policy>& policies, const std::vector<AdjacencyKey>& adjacencies,
                        const Address& destination, const Result<FibAnswer>& fib) {
    FoundPolicy found;
    for (const auto& policy : policies) {
        for (const auto& prefix : policy.config.prefixes) {
            if (!prefix.contains(destination) || (found.prefix && found.prefix->length >= prefix.length)) continue;
            found = {.policy = &policy, .prefix = prefix};
        }
    }
    if (found.policy != nullptr || !fib || fib->type != "unicast") return found;
    for (const auto& adjacency : adjacencies) {
        if (!uses(adjacency, destination, *fib)) continue;
        const auto bypass = std::ranges::find(policies, adjacency.name, &Policy::bypass_of);
        if (bypass != policies.end()) return {.policy = &*bypass, .prefix = std::nullopt};
    }
    return found;
}

std::vector<std::string> sessions_of(const PolicyConfig& policy) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (!name.empty() && std::ranges::count(names, name) == 0) names.push_back(name);
    };
    for (const auto& candidate : policy.candidates) {
        for (const auto& list : candidate.lists) {
            add(list.adjacency);
            for (const auto& session : list.sessions) add(session);
        }
    }
    return names;
}

std::string explain_choice(const FoundPolicy& found, int active, const Result<FibAnswer>& fib) {
    if (fib && fib->type == "local" && !found.prefix) return "an address of this node: nothing is repaired";
    if (found.policy == nullptr)
        return "in no policy, and the FIB uses no adjacency with a bypass: packets follow the kernel's routes";
    const auto what = found.prefix
                          ? fmt::format("prefix {} of policy {}", found.prefix->to_string(), found.policy->config.name)
                          : fmt::format("the FIB uses adjacency {}, which has a bypass", found.policy->bypass_of);
    if (active < 0) return what + "; all candidates are down: packets follow the kernel's routes";
    if (active == 0) return what + "; no other candidate is better than the first";
    if (found.policy->observed)
        return fmt::format("{}; packets would take candidate {}, but are left to the kernel (mode: observe)", what,
                           active);
    return fmt::format("{}; candidate {} is the first of the best ones that are left", what, active);
}

json to_json(const Result<FibAnswer>& fib) {
    if (!fib) return {{"error", fib.error().message}};
    return {{"type", fib->type},
            {"interface", fib->interface.empty() ? json() : json(fib->interface)},
            {"gateway", fib->gateway ? json(fib->gateway->to_string()) : json()},
            {"table", fib->table},
            {"protocol", fib->protocol}};
}

}  // namespace sidestep
