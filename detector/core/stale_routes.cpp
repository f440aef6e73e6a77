// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel does not tell of every route that goes: IPv4 routes of an interface that is shut down, hops of several, and
// routes with nexthop objects go without a word. So what a failure takes is worked out at once, and a dump corrects that.
#include "detector/core/stale_routes.hpp"

#include <algorithm>
#include <iterator>

#include "bpf/abi/sidestep.h"
#include "detector/core/prefix_cover.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kTogether = 500ms;   // between a withdrawal and the news of its cause
constexpr Nanoseconds kStaleTime = 60s;    // by then the routing protocol has reconverged
constexpr Nanoseconds kAfterReturn = 10s;  // the same, once the link is back

bool ended(const auto& failure, Nanoseconds now) {
    return failure.ended && now - *failure.ended >= kAfterReturn;
}

/// Whether a route that goes now goes because of this failure.
bool in_effect(const auto& failure, Nanoseconds now) {
    return now - failure.since < kStaleTime && !ended(failure, now);
}

}  // namespace

void StaleRoutes::on_route(const RouteChange& change, Nanoseconds now) {
    const auto key = key_of(change);
    if (change.gone) return withdraw(key, change.hops, now);
    auto usable = change;
    const auto family = family_of(key.prefix);
    std::erase_if(usable.hops, [&](const auto& hop) { return is_dead(hop, family, change.nexthop != 0); });
    if (!change.fixed && usable.hops.empty() && change.nexthop == 0) return withdraw(key, {}, now);
    set(key, usable);
}

void StaleRoutes::set(const FibKey& key, const RouteChange& change) {
    routes_.set(key, change);
    if (const auto stale = stale_.find(key.prefix);
        stale != stale_.end() && stale->second.key.table == key.table && stale->second.key.selector == key.selector) {
        release(stale);
    }
    if (key.table != RouteChange::kMainTable || key.selector != 0) return;
    except_under_cover(key.prefix);
    note_routed(key.prefix);
}

void StaleRoutes::note_routed(const Prefix& prefix) {
    for (auto at = unrouted_.lower_bound(prefix); at != unrouted_.end() && prefix.contains(*at);) {
        const bool routed = family_of(*at) == family_of(prefix);
        at = routed ? unrouted_.erase(at) : std::next(at);
        unrouted_changed_ = unrouted_changed_ || routed;
    }
}

void StaleRoutes::note_unrouted(const Prefix& prefix) {
    constexpr auto kTable = RouteChange::kMainTable;
    if (unrouted_.size() >= most_ || routes_.has(prefix, kTable) || routes_.covers(prefix, kTable)) return;
    unrouted_changed_ = unrouted_.insert(prefix).second || unrouted_changed_;
}

void StaleRoutes::except_under_cover(const Prefix& prefix) {
    if (overriding_.empty()) return;
    const auto before = [&](const Prefix& at) -> std::optional<Prefix> {
        const auto next = overriding_.lower_bound(at);
        return next == overriding_.begin() ? std::nullopt : std::optional(*std::prev(next));
    };
    const auto cover = cover_of(prefix, before, [&](const Prefix& at) { return overriding_.contains(at); });
    if (cover && family_of(*cover) == family_of(prefix)) except(prefix, stale_.at(*cover));
}

void StaleRoutes::withdraw(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now) {
    const auto known = routes_.hops_of(key);
    if (!known) return;
    auto left = *known;
    std::erase_if(left, [&](const RouteHop& hop) { return std::ranges::find(hops, hop) != hops.end(); });
    // Only some of several next hops are gone.
    if (!left.empty() && left.size() != known->size()) return routes_.set_hops(key, std::move(left));
    routes_.erase(key);
    drop(key, *known, now);
}

/// The route is not there any more.
void StaleRoutes::drop(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now) {
    const auto exception = claims_.find(key.prefix);
    if (exception != claims_.end() && exception->second.slot == SS_POLICY_NONE && !routes_.has(key.prefix, key.table)) {
        claims_.erase(exception);
        changes_.insert(key.prefix);
    }
    if (claim_if_failed(key, hops, now)) return;
    while (!withdrawn_.empty() && now - withdrawn_.front().when > kTogether) withdrawn_.pop_front();
    withdrawn_.push_back({.key = key, .hops = hops, .when = now});
}

bool StaleRoutes::claim_if_failed(const FibKey& key, const RouteTable::Hops& hops, Nanoseconds now) {
    const bool for_all = key.table == RouteChange::kMainTable && key.selector == 0;
    for (const auto& hop : hops) {
        const auto link = link_failures_.find(hop.ifindex);
        if (link != link_failures_.end() && in_effect(link->second, now)) {
            const auto slot = link->second.slots.find(hop);
            claim(key, slot != link->second.slots.end() ? slot->second : slot_of_(hop), hop.ifindex, now);
            if (for_all) note_unrouted(key.prefix);
            return true;
        }
        const auto slot = slot_of_(hop);
        const auto adjacency = failures_.find(slot);
        if (adjacency != failures_.end() && in_effect(adjacency->second, now)) {
            claim(key, slot, 0, now);
            if (for_all) note_unrouted(key.prefix);
            return true;
        }
    }
    return false;
}

/// What went just before the news of its cause came.
void StaleRoutes::claim_withdrawn(Nanoseconds now) {
    std::erase_if(withdrawn_, [&](const Withdrawn& route) {
        return now - route.when > kTogether || claim_if_failed(route.key, route.hops, now);
    });
}

bool StaleRoutes::on_nexthop(const NextHopChange& change, Nanoseconds now) {
    if (!change.gone) return routes_.set_nexthop(change);
    const bool used = routes_.uses_nexthop(change.id);
    // Its routes go with it, with or without a word.
    for (const auto& key : routes_.users_of(change.id)) withdraw(key, {}, now);
    routes_.erase_nexthop(change.id);
    return used;
}

void StaleRoutes::on_link(const RouteLink& link, Nanoseconds now) {
    auto failure = link_failures_.find(link.ifindex);
    if (link.up && link.running) {
        links_.erase(link.ifindex);
        // The routing daemon puts its routes back now; the detour stays for a while until then.
        if (failure != link_failures_.end() && !failure->second.ended) failure->second.ended = now;
        return;
    }
    links_[link.ifindex] = link;
    if (failure == link_failures_.end() || failure->second.ended) {
        failure = link_failures_.insert_or_assign(link.ifindex, Failure{.since = now, .ended = {}, .slots = {}}).first;
        for (const auto& hop : routes_.hops_on(link.ifindex)) failure->second.slots[hop] = slot_of_(hop);
    }
    const auto lost =
        routes_.strike([&](const auto& hop, auto family, bool by_object) { return is_dead(hop, family, by_object); });
    routes_.strike_nexthops([&](const RouteHop& hop) { return hop.ifindex == link.ifindex; });
    for (const auto& route : lost) claim_if_failed(route.key, route.hops, now);
    claim_withdrawn(now);
}

void StaleRoutes::on_adjacency(std::uint32_t slot, bool failed, Nanoseconds now) {
    const auto known = failures_.find(slot);
    if (!failed) {
        if (known != failures_.end() && !known->second.ended) known->second.ended = now;
        return;
    }
    if (known != failures_.end() && !known->second.ended) return;
    failures_.insert_or_assign(slot, Failure{.since = now, .ended = {}, .slots = {}});
    claim_withdrawn(now);
}

void StaleRoutes::sweep(Nanoseconds now) {
    for (const auto& route : routes_.sweep_routes()) drop(route.key, route.hops, now);
    routes_.sweep_nexthops();
}

Nanoseconds StaleRoutes::deadline(const Stale& stale) const {
    const auto latest = stale.since + kStaleTime;
    const auto until = [&](const auto& failures, auto key) {
        const auto failure = failures.find(key);
        if (failure == failures.end()) return Nanoseconds::zero();
        return failure->second.ended ? std::min(latest, *failure->second.ended + kAfterReturn) : latest;
    };
    return stale.ifindex != 0 ? until(link_failures_, stale.ifindex) : until(failures_, stale.slot);
}

void StaleRoutes::expire(Nanoseconds now) {
    for (auto stale = stale_.begin(); stale != stale_.end();)
        stale = now >= deadline(stale->second) ? release(stale) : std::next(stale);
    std::erase_if(link_failures_, [&](const auto& failure) { return ended(failure.second, now); });
    std::erase_if(failures_, [&](const auto& failure) { return ended(failure.second, now); });
}

void StaleRoutes::forget(const std::function<bool(std::uint32_t)>& is_gone) {
    for (auto stale = stale_.begin(); stale != stale_.end();)
        stale = is_gone(stale->second.slot) ? release(stale) : std::next(stale);
    std::erase_if(failures_, [&](const auto& failure) { return is_gone(failure.first); });
    for (auto& [ifindex, failure] : link_failures_)
        std::erase_if(failure.slots, [&](const auto& hop) { return is_gone(hop.second); });
}

Reach StaleRoutes::reach(const FibKey& key) const {
    const auto rules = rules_.find(family_of(key.prefix));
    if (rules == rules_.end()) return key.table == RouteChange::kMainTable ? Reach::always : Reach::never;
    const auto reach = rules->second.reach(key.table);
    return reach == Reach::always && key.selector != 0 ? Reach::selected : reach;
}

/// Whether the FIB answers with a shorter route, for all packets alike, where this route is missing.
bool StaleRoutes::overrides_routes(const FibKey& key) const {
    if (key.table != RouteChange::kMainTable || reach(key) != Reach::always) return false;
    const auto family = family_of(key.prefix);
    const auto rules = rules_.find(family);
    const bool by_more_than_main = routes_.has_others(family, [&](std::uint32_t table) {
        if (table == RouteChange::kMainTable || rules == rules_.end()) return false;
        return rules->second.vrfs || rules->second.reach(table) != Reach::never;
    });
    return !by_more_than_main && routes_.covers(key.prefix, key.table);
}

/// Whether a shorter stale prefix has the same effect.
bool StaleRoutes::redundant(const FibKey& key, std::uint32_t slot) const {
    const auto before = [&](const Prefix& at) -> std::optional<Prefix> {
        const auto next = stale_.lower_bound(at);
        return next == stale_.begin() ? std::nullopt : std::optional(std::prev(next)->first);
    };
    const auto cover = cover_of(key.prefix, before, [&](const Prefix& at) { return stale_.contains(at); });
    if (!cover || family_of(*cover) != family_of(key.prefix) || overriding_.contains(*cover)) return false;
    return stale_.at(*cover).slot == slot;
}

void StaleRoutes::claim(const FibKey& key, std::uint32_t slot, int ifindex, Nanoseconds now) {
    if (slot == SS_POLICY_EXEMPT || reach(key) == Reach::never || stale_.contains(key.prefix)) return;
    if (key.selector == 0 && routes_.has(key.prefix, key.table)) return;
    const bool overrides = overrides_routes(key);
    if (!overrides && redundant(key, slot)) return;
    Stale stale{.key = key, .slot = slot, .ifindex = ifindex, .since = now, .exceptions = {}};
    const auto inside = overrides ? routes_.inside(key.prefix, key.table, most_) : std::vector<Prefix>();
    if (claims_.size() + inside.size() >= most_) {
        ++unplaced_;
        return;
    }
    write(key.prefix, {.slot = slot, .unrouted = !overrides});
    if (overrides) overriding_.insert(key.prefix);
    for (const auto& prefix : inside) except(prefix, stale);
    stale_.emplace(key.prefix, std::move(stale));
}

/// A route within a stale one goes before it.
void StaleRoutes::except(const Prefix& prefix, Stale& from) {
    if (stale_.contains(prefix) || claims_.contains(prefix)) return;
    write(prefix, {.slot = SS_POLICY_NONE, .unrouted = false});
    from.exceptions.push_back(prefix);
}

std::map<Prefix, StaleRoutes::Stale>::iterator StaleRoutes::release(std::map<Prefix, Stale>::iterator stale) {
    const auto exceptions = std::move(stale->second.exceptions);
    overriding_.erase(stale->first);
    claims_.erase(stale->first);
    changes_.insert(stale->first);
    const auto next = stale_.erase(stale);
    for (const auto& prefix : exceptions) {
        const auto exception = claims_.find(prefix);
        if (exception == claims_.end() || exception->second.slot != SS_POLICY_NONE) continue;
        claims_.erase(exception);
        changes_.insert(prefix);
        except_under_cover(prefix);
    }
    return next;
}

void StaleRoutes::write(const Prefix& prefix, const StaleClaim& claim) {
    claims_[prefix] = claim;
    changes_.insert(prefix);
}

bool StaleRoutes::is_dead(const RouteHop& hop, RouteFamily family, bool by_object) const {
    const auto link = links_.find(hop.ifindex);
    if (link == links_.end()) return false;
    if (!link->second.up || by_object) return true;  // nexthop objects go with the carrier
    return family == RouteFamily::v4 ? link->second.ignored.v4 : link->second.ignored.v6;
}

}  // namespace sidestep
