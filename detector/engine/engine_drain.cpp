// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks ahead: what packets would do without an adjacency.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "bpf/lib/portable.h"
#include "detector/core/prefix_cover.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

std::string listed(const StayingTraffic& traffic) {
    std::string text;
    for (const auto& prefix : traffic.prefixes) text += (text.empty() ? "" : ", ") + prefix.to_string();
    if (traffic.count > traffic.prefixes.size()) text += ", ...";
    return text;
}

/// The longest prefix of the set that contains `route`, with the slot of its policy.
std::map<Prefix, std::uint32_t>::const_iterator policy_over(const std::map<Prefix, std::uint32_t>& policies,
                                                            const Prefix& route) {
    if (const auto exact = policies.find(route); exact != policies.end()) return exact;
    const auto before = [&](const Prefix& at) -> std::optional<Prefix> {
        const auto next = policies.lower_bound(at);
        return next == policies.begin() ? std::nullopt : std::optional(std::prev(next)->first);
    };
    const auto counts = [&](const Prefix& at) { return policies.contains(at) && family_of(at) == family_of(route); };
    const auto cover = cover_of(route, before, counts);
    return cover ? policies.find(*cover) : policies.end();
}

bool depends_on(const SegmentListConfig& list, const Session& session) {
    const auto names = sessions_of(list);
    return std::ranges::find(names, session.config.name) != names.end();
}

}  // namespace

std::string to_string(const std::vector<StayingTraffic>& stays) {
    std::string text;
    for (const auto& traffic : stays) {
        const auto what = traffic.policy.empty()
                              ? fmt::format("{} route{} in no policy", traffic.count, traffic.count == 1 ? "" : "s")
                              : "policy " + traffic.policy;
        text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", what, listed(traffic));
    }
    return text;
}

bool Engine::has_way_without(const Policy& policy, const Session& drained) const {
    const auto& candidates = policy.config.candidates;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        for (std::size_t j = 0; j < candidates[i].lists.size(); ++j) {
            if (!depends_on(candidates[i].lists[j], drained) && policies_.list_rank(policy, i, j) > SS_DOWN)
                return true;
        }
    }
    return false;
}

/// Whether packets of this route are a policy's business, so that they move with it.
bool Engine::is_protected(const Prefix& route, const Session& drained) const {
    const auto& policies = policies_.prefixes().policies;
    const auto over = policy_over(policies, route);
    if (over == policies.end()) return false;
    const auto upstream = upstreams_.find(over->second);
    return upstream == upstreams_.end() || upstream->second.contains(drained.index);
}

StayingTraffic Engine::staying_routes(const Session& drained) const {
    StayingTraffic stays;
    const auto is_it = [&](const RouteHop& hop) { return adjacencies_.session_at(hop) == drained.index; };
    routes_.routes().for_each_over(is_it, [&](const FibKey& key) {
        if (!is_protected(key.prefix, drained)) stays.add(key.prefix);
    });
    return stays;
}

/// Packets of a hitless policy go on by the lists that are left.
void Engine::plan_copies(const Policy& policy, const Session& drained, DrainPlan& plan) const {
    const auto active = static_cast<std::size_t>(policies_.active(policy));
    const auto& lists = policy.config.candidates[active].lists;
    std::size_t left = 0;
    std::size_t leave = 0;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        if (policies_.list_rank(policy, active, i) == SS_DOWN) continue;
        ++(depends_on(lists[i], drained) ? leave : left);
    }
    if (leave == 0) return;
    if (left == 1) {
        plan.unprotected.push_back(policy.config.name);
    } else {
        plan.moves.push_back(policy.config.name);
    }
}

DrainPlan Engine::plan_drain(const Session& adjacency) const {
    DrainPlan plan;
    bool bypassed = false;
    for (const auto& policy : policies_.all()) {
        if (policy.bypass_of == adjacency.config.name) bypassed = has_way_without(policy, adjacency);
    }
    for (const auto& policy : policies_.all()) {
        if (!policy.bypass_of.empty()) continue;
        const auto lists = [&](const CandidateConfig& candidate) {
            return std::ranges::any_of(candidate.lists, [&](const auto& list) { return depends_on(list, adjacency); });
        };
        if (std::ranges::none_of(policy.config.candidates, lists)) continue;
        const int active = policies_.active(policy);
        const bool has_way = has_way_without(policy, adjacency);
        if (has_way || bypassed) {
            if (sends_copies(policy) && active >= 0) {
                plan_copies(policy, adjacency, plan);
                continue;
            }
            const bool uses = active >= 0 && lists(policy.config.candidates[static_cast<std::size_t>(active)]);
            if (uses) plan.moves.push_back(policy.config.name);
            continue;
        }
        StayingTraffic stays{.policy = policy.config.name, .prefixes = {}};
        for (const auto& prefix : policy.config.prefixes) stays.add(prefix);
        plan.stays.push_back(std::move(stays));
    }
    if (bypassed) return plan;
    if (auto routes = staying_routes(adjacency); routes.count != 0) plan.stays.push_back(std::move(routes));
    return plan;
}

}  // namespace sidestep
