// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the engine makes of the kernel's routes, and of routers that say how much passes them.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/core/prefix_cover.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {

void Engine::on_route(const RouteChange& change, Nanoseconds now) {
    if (change.table != RouteChange::kLocalTable) {
        auto told = change;
        if (change.fixed) told.hops.clear();
        routes_.on_route(told, now);
    }
    const bool for_all = change.selector == 0 && change.kind != RouteKind::other;
    if (!for_all || (change.table != RouteChange::kMainTable && change.table != RouteChange::kLocalTable)) return;
    auto inner = change;
    if (change.nexthop != 0) inner.hops = routes_.routes().hops_of(key_of(change)).value_or(change.hops);
    inner_changed_ = inner_routes_.on_route(inner) || inner_changed_;
}

void Engine::doubt_routes() {
    routes_.doubt_routes();
    inner_routes_.doubt();
}

void Engine::on_routes_told(Nanoseconds now) {
    routes_told_ = true;
    routes_.sweep(now);
    inner_changed_ = inner_routes_.sweep() || inner_changed_;
}

void Engine::note_route_link(const LinkChange& change, Nanoseconds now) {
    RouteLink link{.ifindex = change.ifindex, .up = change.up, .running = change.running, .ignored = {}};
    if (link.up && !link.running && hooks_.linkdown_ignored) link.ignored = hooks_.linkdown_ignored(change.name);
    if (change.ip_off) {
        link.running = false;
        link.ignored.v6 = true;
    }
    routes_.on_link(link, now);
}

/// A routing daemon may withdraw what went by the adjacency before it knows another way.
void Engine::note_failure(const Session& session, Nanoseconds now) {
    const auto slot = policies_.bypass_slot(session.config.name);
    if (slot == SS_POLICY_EXEMPT) return;
    const auto state = session.fsm.state;
    routes_.on_adjacency(slot, state == SessionState::down || state == SessionState::admin_down, now);
}

void Engine::refresh_stale() {
    std::vector<std::pair<Prefix, std::optional<std::uint32_t>>> changes;
    for (const auto& prefix : routes_.take_changes()) {
        const auto claim = routes_.claims().find(prefix);
        changes.emplace_back(prefix, std::nullopt);
        if (claim == routes_.claims().end()) continue;
        const auto& [slot, unrouted] = claim->second;
        changes.back().second = unrouted ? slot | kOnlyUnrouted : slot;
    }
    if (!changes.empty()) policies_.change_stale(changes);
    if (std::exchange(unplaced_, routes_.unplaced()) < routes_.unplaced())
        spdlog::warn("{} routes that went with their link have no room among {} prefixes: left to the kernel",
                     routes_.unplaced(), kStaleRoutes);
    refresh_unrouted();
}

/// A link may return without its routes, as when somebody takes its interface down and up: all sessions are up then, and
/// the kernel would drop the packets of policies that a candidate can take.
void Engine::refresh_unrouted() {
    const auto& policies = policies_.prefixes().policies;
    const auto counts = [&](const auto& policy) { return upstreams_.contains(policy->second); };
    if (routes_told_ && !upstreams_.empty() && !std::exchange(routes_sought_, true)) {
        for (auto policy = policies.begin(); policy != policies.end(); ++policy)
            if (counts(policy)) routes_.note_unrouted(policy->first);
    }
    if (!routes_.take_unrouted_change() && !std::exchange(upstreams_changed_, false)) return;
    const auto before = [&](const Prefix& at) -> std::optional<Prefix> {
        const auto next = policies.lower_bound(at);
        return next == policies.begin() ? std::nullopt : std::optional(std::prev(next)->first);
    };
    const auto is_of_policy = [&](const Prefix& lost) {
        const auto family = family_of(lost);
        for (auto policy = policies.lower_bound(lost); policy != policies.end() && lost.contains(policy->first);
             ++policy)
            if (counts(policy) && family_of(policy->first) == family) return true;
        const auto around = cover_of(lost, before, [&](const Prefix& at) {
            const auto policy = policies.find(at);
            return policy != policies.end() && counts(policy) && family_of(at) == family;
        });
        return around.has_value();
    };
    policies_.note_unrouted(!upstreams_.empty() && std::ranges::any_of(routes_.unrouted(), is_of_policy));
}

/// A stale route whose bypass is gone would otherwise take whatever policy gets the slot next.
void Engine::forget_bypasses() {
    routes_.forget([&](std::uint32_t slot) { return !policies_.is_bypass(slot); });
    refresh_stale();
}

void Engine::note_upstreams() {
    upstreams_.clear();
    upstreams_changed_ = true;
    for (const auto& policy : policies_.all()) {
        if (!yields_to_routes(policy)) continue;
        auto& sessions = upstreams_[policy.slot];
        for (const auto& list : policy.config.candidates.front().lists) {
            const auto* session = list.encap == Encap::plain ? sessions_.find(list.adjacency) : nullptr;
            if (session != nullptr) sessions.insert(session->index);
        }
    }
    inner_changed_ = true;
}

void Engine::refresh_inner() {
    if (!std::exchange(inner_changed_, false)) return;
    const auto is_upstream = [this](std::uint32_t slot, const RouteHop& hop) {
        const auto session = adjacencies_.session_at(hop);
        return session && upstreams_.at(slot).contains(*session);
    };
    policies_.set_inner(inner_routes_.entries(
        policies_.prefixes(), [this](std::uint32_t slot) { return upstreams_.contains(slot); }, is_upstream));
}

}  // namespace sidestep
