// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Prefixes are sorted so that each comes right after those that contain it: one walk over policies and routes, with a
// stack of the prefixes around the present one, finds for each route its policy and the route that it lies in. Each family
// has a stack of its own: in IPv4-mapped form, all of IPv4 would lie in ::/0.
#include "detector/core/inner_routes.hpp"

#include <algorithm>
#include <array>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

/// A prefix around the present one.
struct Around {
    Prefix prefix;
    std::uint32_t slot = SS_POLICY_NONE;  ///< of its policy
    bool alone = false;                   ///< a route that has its packets to itself
};

class Walk {
  public:
    Walk(const InnerRoutes::Yields& yields, const InnerRoutes::IsUpstream& is_upstream)
        : yields_(yields), is_upstream_(is_upstream) {}

    void policy(const Prefix& prefix, std::uint32_t slot) {
        leave_behind(prefix);
        around_.push_back({.prefix = prefix, .slot = slot});
    }

    void route(const Prefix& prefix, RouteKind kind, const std::vector<RouteHop>& hops) {
        leave_behind(prefix);
        if (around_.empty() || around_.back().prefix == prefix) return;  // in no policy, or exactly a policy's
        const auto outer = around_.back();
        if (outer.slot == SS_POLICY_NONE || !yields_(outer.slot)) return;
        const bool upstream = kind == RouteKind::forwards && std::ranges::any_of(hops, [&](const RouteHop& hop) {
                                  return is_upstream_(outer.slot, hop);
                              });
        if (upstream == !outer.alone) return;  // as the prefix around it
        entries_[prefix] = upstream ? outer.slot : SS_POLICY_NONE;
        around_.push_back({.prefix = prefix, .slot = outer.slot, .alone = !upstream});
    }

    /// Whether a prefix is around the last one.
    [[nodiscard]] bool is_inside() const { return !around_.empty(); }

    std::map<Prefix, std::uint32_t> result() { return std::move(entries_); }

  private:
    void leave_behind(const Prefix& next) {
        while (!around_.empty() && !around_.back().prefix.contains(next)) around_.pop_back();
    }

    const InnerRoutes::Yields& yields_;
    const InnerRoutes::IsUpstream& is_upstream_;
    std::vector<Around> around_;
    std::map<Prefix, std::uint32_t> entries_;
};

}  // namespace

bool InnerRoutes::on_route(const RouteChange& change) {
    const Key key{.prefix = change.prefix, .kind = change.kind, .metric = change.metric};
    const auto known = routes_.find(key);
    if (!change.gone) {
        if (known == routes_.end() && routes_.size() >= most_) {
            ++forgotten_;
            return false;
        }
        const bool same = known != routes_.end() && known->second.hops == change.hops;
        routes_[key] = {.hops = change.hops, .round = round_};
        return !same;
    }
    if (known == routes_.end()) return false;
    auto& left = known->second.hops;
    const auto before = left.size();
    std::erase_if(left, [&](const RouteHop& hop) { return std::ranges::find(change.hops, hop) != change.hops.end(); });
    if (left.empty() || left.size() == before) routes_.erase(known);
    return true;
}

bool InnerRoutes::on_interface_down(int ifindex) {
    bool changed = false;
    for (auto route = routes_.begin(); route != routes_.end();) {
        auto& hops = route->second.hops;
        const bool concerned = std::erase_if(hops, [&](const RouteHop& hop) { return hop.ifindex == ifindex; }) != 0;
        changed = changed || concerned;
        route = concerned && hops.empty() ? routes_.erase(route) : std::next(route);
    }
    return changed;
}

bool InnerRoutes::sweep() {
    return std::erase_if(routes_, [&](const auto& route) { return route.second.round != round_; }) > 0;
}

std::map<Prefix, std::uint32_t> InnerRoutes::entries(const PrefixSet& set, const Yields& yields,
                                                     const IsUpstream& is_upstream) const {
    std::array walks{Walk(yields, is_upstream), Walk(yields, is_upstream)};
    const auto walk = [&](const Prefix& prefix) -> Walk& { return walks.at(prefix.address.is_v4() ? 1 : 0); };
    auto policy = set.policies.begin();
    auto unprotected = set.unprotected.begin();
    // Before the first route at or behind a prefix, the walk must have met the policies up to there.
    const auto meet_policies = [&](const Prefix& up_to) {
        while (true) {
            const bool one = policy != set.policies.end() && policy->first <= up_to;
            const bool other = unprotected != set.unprotected.end() && *unprotected <= up_to;
            if (!one && !other) return;
            if (one && (!other || policy->first <= *unprotected)) {
                if (other && policy->first == *unprotected) ++unprotected;  // the policy wins
                walk(policy->first).policy(policy->first, policy->second);
                ++policy;
            } else {
                walk(*unprotected).policy(*unprotected, SS_POLICY_NONE);
                ++unprotected;
            }
        }
    };
    // What lies before the next policy, and in none, need not be looked at: there may be very many of them.
    const auto after_gap = [&](auto route) {
        if (walks[0].is_inside() || walks[1].is_inside()) return std::next(route);
        const Prefix* next = policy != set.policies.end() ? &policy->first : nullptr;
        if (unprotected != set.unprotected.end() && (next == nullptr || *unprotected < *next)) next = &*unprotected;
        if (next == nullptr) return routes_.end();
        return *next <= route->first.prefix ? std::next(route) : routes_.lower_bound(Key{.prefix = *next});
    };
    const Prefix* last = nullptr;
    for (auto route = routes_.begin(); route != routes_.end(); route = after_gap(route)) {
        const auto& key = route->first;
        if (last != nullptr && *last == key.prefix) continue;  // the kernel prefers another one
        last = &key.prefix;
        meet_policies(key.prefix);
        walk(key.prefix).route(key.prefix, key.kind, route->second.hops);
    }
    auto result = walks[0].result();
    result.merge(walks[1].result());
    return result;
}

}  // namespace sidestep
