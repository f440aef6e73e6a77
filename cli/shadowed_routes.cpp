// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/shadowed_routes.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "detector/core/desired.hpp"
#include "doctor/look.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kNamed = 5;

/// The longest of the policies' prefixes around a route that is not the route's own; null if there is none.
const PolicyConfig* policy_around(const Config& config, const Prefix& route) {
    const PolicyConfig* around = nullptr;
    int longest = -1;
    for (const auto& policy : config.policies) {
        for (const auto& prefix : policy.prefixes) {
            const bool same_family = prefix.address.is_v4() == route.address.is_v4();
            if (!same_family || !prefix.contains(route) || prefix.length <= longest) continue;
            longest = prefix.length;
            around = prefix == route ? nullptr : &policy;
        }
    }
    return around;
}

}  // namespace

std::string describe_shadowed(const Config& config, const std::vector<Prefix>& routes) {
    std::string text;
    for (const auto& policy : config.policies) {
        if (yields_to_routes({.config = policy, .bypass_of = {}})) continue;
        std::vector<Prefix> shadowed;
        std::ranges::copy_if(routes, std::back_inserter(shadowed),
                             [&](const Prefix& route) { return policy_around(config, route) == &policy; });
        if (shadowed.empty()) continue;
        std::vector<std::string> named;
        for (const auto& route : shadowed) {
            if (named.size() < kNamed) named.push_back(route.to_string());
        }
        text +=
            fmt::format("policy {} also takes the packets of {} more specific routes of this machine: {}{}\n",
                        policy.name, shadowed.size(), fmt::join(named, ", "), shadowed.size() > kNamed ? " ..." : "");
    }
    return text;
}

std::string describe_shadowed(const Config& config) {
    std::set<Prefix> routes;
    for (const auto& route : look_at_routes()) {
        if (!route.prefix.address.is_link_local() && !route.prefix.address.is_multicast()) routes.insert(route.prefix);
    }
    return describe_shadowed(config, {routes.begin(), routes.end()});
}

}  // namespace sidestep
