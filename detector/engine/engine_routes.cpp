// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the engine makes of the kernel's routes, and of routers that say how much passes them.
#include <cstring>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/engine/engine.hpp"

namespace sidestep {

void Engine::on_route(const RouteChange& change, Nanoseconds now) {
    inner_changed_ = inner_routes_.on_route(change) || inner_changed_;
    if (change.kind != RouteKind::forwards) return;
    routes_changed_ = true;
    routes_.on_route(change, now);
}

void Engine::refresh_stale() {
    if (!std::exchange(routes_changed_, false)) return;
    std::map<Prefix, std::uint32_t> wanted;
    for (const auto& [prefix, hop] : routes_.stale()) {
        const auto known = stale_.find(prefix);
        const auto slot = known != stale_.end() ? known->second : adjacencies_.bypass_at(hop);
        if (slot != SS_POLICY_EXEMPT) wanted[prefix] = slot;
    }
    if (wanted == stale_) return;
    policies_.set_stale(wanted);
    stale_ = std::move(wanted);
}

/// A stale route whose bypass is gone would otherwise take whatever policy gets the slot next.
void Engine::forget_bypasses() {
    if (std::erase_if(stale_, [&](const auto& stale_route) { return !policies_.is_bypass(stale_route.second); }) > 0)
        policies_.set_stale(stale_);
}

void Engine::note_upstreams() {
    upstreams_.clear();
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

void Engine::on_too_big(const ss_too_big_event& event, Nanoseconds now) {
    for (const auto& adjacency : policies_.learn_mtu(event.quoted, event.mtu, now)) {
        spdlog::info("a path by {}: a router on it passes packets of {} bytes at most", adjacency, event.mtu);
    }
}

}  // namespace sidestep
