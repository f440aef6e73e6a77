// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Three states, one timer. Changes add up: each new graph is compared with the one that others may still use.
#include "routing/core/convergence.hpp"

#include <utility>

#include "routing/core/micro_loop.hpp"

namespace sidestep::routing {

Policies compute_policies(const Plan& plan, Protect protect, const SidOptions& options) {
    const auto& [graph, plr] = plan.view;
    auto result = compute_policies(*graph, plr, protect, options);
    if (plan.from) {
        const auto& old = *plan.from->graph;
        avoid_loops(result, old, *graph, plr, compare(old, *graph), options);
    }
    return result;
}

bool Convergence::update(View fresh, Nanoseconds now) {
    if (!plan_.view.graph || hold_ <= Nanoseconds::zero()) return settle(std::move(fresh));
    const View base = plan_.from.value_or(plan_.view);
    const auto change = compare(*base.graph, *fresh.graph);
    if (change.none()) return settle(std::move(fresh));
    // RFC 8333, 4.3: a single failure next to this node, or else regular convergence.
    if (state_ != State::avoiding && local_failure(*base.graph, base.plr, change, protect_)) {
        hold(std::move(fresh), now);
        return false;
    }
    return can_avoid_loops(change) ? avoid(std::move(fresh), base, now) : settle(std::move(fresh));
}

bool Convergence::advance(Nanoseconds now) {
    if (!deadline_ || *deadline_ > now) return false;
    return settle(state_ == State::holding ? std::move(*waiting_) : plan_.view);
}

bool Convergence::settle(View fresh) {
    state_ = State::settled;
    plan_ = {.view = std::move(fresh), .from = std::nullopt};
    waiting_.reset();
    deadline_.reset();
    return true;
}

/// The timer runs from the first sign of the failure; further signs do not prolong it.
void Convergence::hold(View fresh, Nanoseconds now) {
    waiting_ = std::move(fresh);
    if (state_ == State::holding) return;
    state_ = State::holding;
    deadline_ = now + hold_;
}

/// The timer runs from the last change of links.
bool Convergence::avoid(View fresh, const View& base, Nanoseconds now) {
    const bool same_links = state_ == State::avoiding && compare(*plan_.view.graph, *fresh.graph).none();
    if (!same_links) deadline_ = now + hold_;
    state_ = State::avoiding;
    plan_ = {.view = std::move(fresh), .from = base};
    waiting_.reset();
    return true;
}

std::string_view to_string(Convergence::State state) {
    switch (state) {
        case Convergence::State::settled:
            return "settled";
        case Convergence::State::holding:
            return "holding";
        case Convergence::State::avoiding:
            return "avoiding";
    }
    return "?";
}

}  // namespace sidestep::routing
