// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/maps/map_sizes.hpp"

#include <algorithm>
#include <cstdint>

#include "detector/core/stale_routes.hpp"
#include "detector/maps/prefix_table.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kSpareExemptions = 4096;  // own addresses that may appear later
constexpr std::uint32_t kInnerRoutes = 16384;     // routes inside policies' prefixes, where these are few
constexpr std::uint32_t kMostCounted = 16384;     // a counter takes memory on every CPU
// Assumed limit of a computed set.
constexpr std::uint32_t kComputedPolicies = 16384;
constexpr std::uint32_t kComputedLists = 16384;

/// How many entries a configuration needs.
struct Counts {
    std::uint32_t policies = 0;
    std::uint32_t prefixes = 0;
    std::uint32_t paths = 0;  ///< candidate paths and segment lists
    std::uint32_t hops = 0;   ///< gateways of adjacencies
    std::uint32_t sids = 0;
    std::uint32_t xdp_interfaces = 0;
    bool bypasses = false;
    bool routing = false;
};

std::uint32_t paths_of(const std::vector<CandidateConfig>& candidates) {
    std::uint32_t paths = 0;
    for (const auto& candidate : candidates) paths += static_cast<std::uint32_t>(1 + candidate.lists.size());
    return paths;
}

Counts count(const Config& config) {
    Counts counts;
    for (const auto& policy : config.policies) {
        ++counts.policies;
        counts.prefixes += static_cast<std::uint32_t>(policy.prefixes.size());
        counts.paths += paths_of(policy.candidates);
    }
    for (const auto& adjacency : config.adjacencies) {
        ++counts.policies;
        counts.hops += 3 + static_cast<std::uint32_t>(adjacency.gateways.size()) + kAddressesOfNeighbor;
        counts.paths += paths_of(adjacency.bypass);
        counts.bypasses = counts.bypasses || !adjacency.bypass.empty();
    }
    counts.sids = static_cast<std::uint32_t>(config.sids.size());
    counts.routing = config.routing.has_value();
    if (!config.xdp.empty())
        counts.xdp_interfaces = static_cast<std::uint32_t>(2 * (config.adjacencies.size() + config.xdp.size()));
    return counts;
}

/// Routes inside policies' prefixes. One prefix, ::/0, may have very many; where prefixes are many, they are not that short,
/// and a table that is larger than needed is slower.
std::uint32_t inner_routes(std::uint32_t prefixes) {
    return std::max(prefixes / 16, kInnerRoutes - std::min(kInnerRoutes, prefixes / 8));
}

PolicySizes sizes_of(Counts counts) {
    PolicySizes sizes;
    auto prefixes = counts.prefixes + kSpareExemptions;
    if (counts.routing) {
        counts.policies += kComputedPolicies;
        counts.paths += kComputedLists;
        counts.sids += SS_MAX_SESSIONS + 4;
    }
    if (counts.bypasses || counts.routing)
        prefixes += kStaleRoutes;  // shared with computed prefixes, which take precedence
    else if (counts.policies != 0)
        prefixes += inner_routes(counts.prefixes);
    sizes.slots = counts.policies + 1;
    sizes.policies = 2 * sizes.slots;
    sizes.counted = std::min(sizes.slots, kMostCounted);
    sizes.candidates = sizes.lists = 2 * counts.paths + 1;  // the old set and the new one
    sizes.cells = PrefixTable::cells_for(prefixes);
    sizes.filter_words = PrefixTable::words_for(prefixes);
    sizes.sids = counts.sids + 1;
    sizes.adjacencies = 2 * (counts.hops + 1);  // an interface may be replaced by another one
    sizes.xdp_interfaces = counts.xdp_interfaces;
    return sizes;
}

/// One eighth more, and a few for small configurations.
std::uint32_t with_room(std::uint32_t count, std::uint32_t few) {
    return count + count / 8 + few;
}

}  // namespace

PolicySizes map_sizes(const Config& config) {
    auto counts = count(config);
    counts.policies = with_room(counts.policies, 64);
    counts.prefixes = with_room(counts.prefixes, 256);
    counts.paths = with_room(counts.paths, 256);
    counts.hops = with_room(counts.hops, 64);
    counts.sids = with_room(counts.sids, 64);
    if (counts.xdp_interfaces != 0) counts.xdp_interfaces = with_room(counts.xdp_interfaces, 16);
    return sizes_of(counts);
}

bool fits(const Config& config, const PolicySizes& sizes) {
    const auto needed = sizes_of(count(config));
    return needed.slots <= sizes.slots && needed.candidates <= sizes.candidates && needed.lists <= sizes.lists &&
           needed.cells <= sizes.cells && needed.sids <= sizes.sids && needed.adjacencies <= sizes.adjacencies &&
           needed.xdp_interfaces <= sizes.xdp_interfaces;
}

}  // namespace sidestep
