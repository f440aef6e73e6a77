// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel reports IPv6 routes as gone one by one, before or after the interface. It does not report IPv4 routes at
// all.
#include "detector/core/stale_routes.hpp"

#include <algorithm>
#include <iterator>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kTogether = 200ms;   // a route and its interface go within this time
constexpr Nanoseconds kStaleTime = 60s;    // by then the routing protocol has reconverged
constexpr Nanoseconds kAfterReturn = 10s;  // the same, once the interface is up again

}  // namespace

void StaleRoutes::on_route(const RouteChange& change, Nanoseconds now) {
    const Key key{.prefix = change.prefix, .metric = change.metric};
    if (change.gone) {
        drop(key, change.hops, now);
    } else {
        set(key, change.hops);
    }
}

void StaleRoutes::set(const Key& key, const std::vector<RouteHop>& hops) {
    if (!routes_.contains(key) && routes_.size() >= most_) {
        ++forgotten_;
        return;
    }
    routes_[key] = hops;
    stale_.erase(key.prefix);
}

void StaleRoutes::drop(const Key& key, const std::vector<RouteHop>& hops, Nanoseconds now) {
    const auto found = routes_.find(key);
    if (found == routes_.end()) return;
    auto& left = found->second;
    const auto before = left;
    std::erase_if(left, [&](const RouteHop& hop) { return std::ranges::find(hops, hop) != hops.end(); });
    if (!left.empty() && left.size() != before.size()) return;  // only some of several next hops are gone
    routes_.erase(found);
    std::erase_if(lately_, [&](const Lost& lost) { return now - lost.when > kTogether; });
    for (const auto& hop : before) {
        lately_.push_back({.prefix = key.prefix, .hop = hop, .when = now});
        if (const auto down = down_.find(hop.ifindex); down != down_.end() && now - down->second < kTogether) {
            mark_stale(key.prefix, hop);
        }
    }
}

bool StaleRoutes::has_route(const Prefix& prefix) const {
    const auto next = routes_.lower_bound(Key{.prefix = prefix, .metric = 0});
    return next != routes_.end() && next->first.prefix == prefix;
}

void StaleRoutes::mark_stale(const Prefix& prefix, const RouteHop& hop) {
    if (!has_route(prefix)) stale_.try_emplace(prefix, hop);
}

void StaleRoutes::on_interface(int ifindex, bool up, Nanoseconds now) {
    if (up) {
        // The routing daemon puts its routes back now; the detour stays for a while until then.
        if (down_.contains(ifindex)) down_[ifindex] = now - kStaleTime + kAfterReturn;
        return;
    }
    if (is_known_down(ifindex, now)) return;
    down_[ifindex] = now;
    std::vector<std::pair<Prefix, RouteHop>> newly_stale;
    for (auto route = routes_.begin(); route != routes_.end();) {
        auto& hops = route->second;
        const auto gone = std::ranges::find(hops, ifindex, &RouteHop::ifindex);
        if (gone == hops.end()) {
            ++route;
            continue;
        }
        const auto hop = *gone;
        std::erase_if(hops, [&](const RouteHop& other) { return other.ifindex == ifindex; });
        if (!hops.empty()) {
            ++route;
            continue;
        }
        newly_stale.emplace_back(route->first.prefix, hop);
        route = routes_.erase(route);
    }
    for (const auto& [prefix, hop] : newly_stale) mark_stale(prefix, hop);
    mark_lost_lately(ifindex, now);
}

void StaleRoutes::on_ip_off(int ifindex, Nanoseconds now) {
    if (is_known_down(ifindex, now)) return;
    down_[ifindex] = now;
    mark_lost_lately(ifindex, now);
}

bool StaleRoutes::is_known_down(int ifindex, Nanoseconds now) const {
    const auto known = down_.find(ifindex);
    return known != down_.end() && now - known->second < kStaleTime;
}

void StaleRoutes::mark_lost_lately(int ifindex, Nanoseconds now) {
    for (const auto& lost : lately_) {
        if (lost.hop.ifindex == ifindex && now - lost.when < kTogether) mark_stale(lost.prefix, lost.hop);
    }
}

void StaleRoutes::expire(Nanoseconds now) {
    std::erase_if(down_, [&](const auto& entry) { return now - entry.second >= kStaleTime; });
    std::erase_if(stale_, [&](const auto& entry) { return !down_.contains(entry.second.ifindex); });
    std::erase_if(lately_, [&](const Lost& lost) { return now - lost.when > kTogether; });
}

}  // namespace sidestep
