// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Moves from one desired state to the next. The steps of a ChangePlan run in an order in which no packet is lost.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

/// Limits on the sum of all sources; the configuration reader checks the file alone.
Result<void> check_limits(const Desired& wanted) {
    if (wanted.sessions.size() > SS_MAX_SESSIONS) {
        return fail(fmt::format("{} sessions requested; the limit is {}", wanted.sessions.size(), SS_MAX_SESSIONS));
    }
    const auto intervals = intervals_of(wanted.sessions);
    if (intervals.size() > SS_MAX_CLASSES) {
        return fail(
            fmt::format("{} different probe intervals requested; the limit is {}", intervals.size(), SS_MAX_CLASSES));
    }
    return {};
}

const SessionConfig& config_of(const Desired& desired, const std::string& name) {
    return *std::ranges::find(desired.sessions, name, &SessionConfig::name);
}

}  // namespace

Result<ChangePlan> Engine::apply(const Desired& wanted, Nanoseconds now) {
    if (auto checked = check_limits(wanted); !checked) return std::unexpected(checked.error());
    auto plan = plan_changes(present_, wanted);
    if (plan.empty() && applied_) return plan;
    if (auto begun = begin_sessions(plan, wanted); !begun) return std::unexpected(begun.error());
    if (auto changed = change_policies(plan, wanted); !changed) {
        undo_sessions(plan);
        return std::unexpected(changed.error());
    }
    finish_sessions(plan, wanted, now);
    present_ = wanted;
    applied_ = true;
    if (links_seen_) settle();
    watch_copies();
    return plan;
}

/// Comes first, because policies may refer to new sessions and to new names of old ones.
Result<void> Engine::begin_sessions(const ChangePlan& plan, const Desired& wanted) {
    for (const auto& change : plan.sessions) {
        if (change.kind == ChangeKind::renamed) {
            auto* session = sessions_.find(change.before);
            auto config = session->config;
            config.name = change.name;
            sessions_.reconfigure(*session, config);
        }
        if (change.kind == ChangeKind::added && sessions_.add(config_of(wanted, change.name)) == nullptr) {
            undo_sessions(plan);
            return fail(fmt::format("session table full: session {} not added; remove others first", change.name));
        }
    }
    auto protecting = wanted.protecting;
    protecting.insert(present_.protecting.begin(), present_.protecting.end());
    sessions_.set_protecting(protecting);
    return {};
}

void Engine::undo_sessions(const ChangePlan& plan) {
    for (const auto& change : plan.sessions) {
        if (change.kind == ChangeKind::renamed) {
            if (auto* session = sessions_.find(change.name)) {
                auto config = session->config;
                config.name = change.before;
                sessions_.reconfigure(*session, config);
            }
        }
        if (change.kind == ChangeKind::added) {
            if (auto* session = sessions_.find(change.name)) sessions_.remove(*session);
        }
    }
    sessions_.set_protecting(present_.protecting);
}

Result<void> Engine::change_policies(const ChangePlan& plan, const Desired& wanted) {
    const bool rewrites = plan.rewrites_policies() || !applied_;
    if (wanted.node != present_.node || !applied_) {
        policies_.set_sources(wanted.node.source, wanted.node.source_v4);
        sids_.set_domain(wanted.node.domain);
    }
    if (rewrites) {
        if (auto replaced = policies_.replace(*wanted.policies, *wanted.unprotected); !replaced) {
            policies_.set_sources(present_.node.source, present_.node.source_v4);
            sids_.set_domain(present_.node.domain);
            return replaced;
        }
        forget_bypasses();
        note_hitless();
    }
    reflectors_.set(wanted.stamp, wanted.sbfd);
    adjacencies_.set(wanted.adjacencies);
    if (auto updated = adjacencies_.update(); !updated) return updated;
    if (rewrites) note_upstreams();
    refresh_inner();
    return rewrites || !plan.sids.empty() ? sids_.update(wanted.sids) : Result<void>();
}

void Engine::finish_sessions(const ChangePlan& plan, const Desired& wanted, Nanoseconds now) {
    for (const auto& change : plan.sessions) {
        auto* session = sessions_.find(change.name);
        if (change.kind == ChangeKind::removed) {
            forget_timers(*session);
            sessions_.remove(*session);
            continue;
        }
        if (change.kind == ChangeKind::added) {
            start_session(*session, now);
        } else if (change.starts_anew) {
            forget_timers(*session);
            sessions_.restart(*session, config_of(wanted, change.name));
            start_session(*session, now);
        } else {
            sessions_.reconfigure(*session, config_of(wanted, change.name));
            choose_local_address(*session);
            sessions_.publish(*session);
            review_bfd(*session, now);
            wait_by_its_policy(*session, now);
        }
    }
    ask_for_neighbors(now);
    if (!applied_) sessions_.drop_leftovers();
    sessions_.set_protecting(wanted.protecting);
    if (!plan.sessions.empty() || !applied_) sessions_.write_schedule();
}

void Engine::forget_timers(const Session& session) {
    timers_.erase(session.index);
    neighbor_doubts_.erase(session.index);
}

/// Starts a session that was just added or adopted: tells it about its links, and continues from its saved state.
void Engine::start_session(Session& session, Nanoseconds now) {
    wait_by_its_policy(session, now);
    review_bfd(session, now);
    if (!links_seen_) return;  // rtnetlink has not reported yet
    follow_return_link(session, link_at(session.config.returns_on), now);
    follow_link(session, link_at(session.config.interface), now);
}

/// Saves the state of a session that was adopted or reconfigured, with the end of its wait by the present policy.
void Engine::wait_by_its_policy(Session& session, Nanoseconds now) {
    const auto& probe = session.config.probe;
    shorten_wait(session.fsm, now, {.wait_to_restore = probe.wait_to_restore, .damping = probe.damping});
    sessions_.apply(session, {});
    if (session.fsm.state == SessionState::wait || is_rehearsing(session.fsm))
        timers_[session.index] = session.fsm.wait_until;
}

}  // namespace sidestep
