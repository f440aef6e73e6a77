// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Owners, leases and limits of the sessions that clients ask for.
#include "detector/core/client_sessions.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sidestep {
namespace {

bool is_over(const ClientSession& session, Nanoseconds now) {
    return !session.owner && session.lease && session.ends <= now;
}

const std::string& name_of(const ClientSession& session) {
    return session.config.name;
}

void disown(ClientSession& session, Nanoseconds now) {
    session.owner.reset();
    if (session.lease) session.ends = now + *session.lease;
}

}  // namespace

Result<void> ClientSessions::add(ClientSession session, const std::vector<SessionConfig>& others) {
    const auto present = std::ranges::find(sessions_, session.config.name, name_of);
    if (present != sessions_.end()) return take_over(*present, session);
    if (auto checked = check_room(session, others); !checked) return checked;
    sessions_.push_back(std::move(session));
    return {};
}

Result<void> ClientSessions::set(ClientSession session, const std::vector<SessionConfig>& others) {
    const auto present = std::ranges::find(sessions_, session.config.name, name_of);
    if (present == sessions_.end()) return add(std::move(session), others);
    if (present->owner && present->owner != session.owner)
        return fail(fmt::format("session {} belongs to another client", present->config.name));
    if (present->config != session.config) {
        auto rest = others;
        for (const auto& one : sessions_) {
            if (one.config.name != session.config.name) rest.push_back(one.config);
        }
        const ClientSessions alone(limits_);
        if (auto fits = alone.check_sum(rest, &session.config); !fits) return fits;
    }
    *present = std::move(session);
    return {};
}

void ClientSessions::keep_only(ClientId owner, const std::set<std::string>& names) {
    std::erase_if(sessions_, [&](const ClientSession& session) {
        return session.owner == owner && !names.contains(session.config.name);
    });
}

Result<void> ClientSessions::take_over(ClientSession& present, const ClientSession& asked) {
    if (present.owner && present.owner != asked.owner)
        return fail(fmt::format("session {} belongs to another client: choose another name", present.config.name));
    if (present.config != asked.config)
        return fail(fmt::format("session {} exists with other settings: remove it first", present.config.name));
    present.owner = asked.owner;
    present.lease = asked.lease;
    return {};
}

void ClientSessions::restore(ClientSession session, Nanoseconds now) {
    disown(session, now);
    sessions_.push_back(std::move(session));
}

Result<void> ClientSessions::remove(const std::string& name, ClientId client, bool force) {
    const auto* session = find(name);
    if (session == nullptr) return fail(fmt::format("no session {} that a client asked for", name));
    if (!force && session->owner && session->owner != client)
        return fail(fmt::format("session {} belongs to another client: it ends with its connection", name));
    std::erase_if(sessions_, [session](const ClientSession& one) { return &one == session; });
    return {};
}

bool ClientSessions::leave(ClientId owner, Nanoseconds now) {
    for (auto& session : sessions_) {
        if (session.owner == owner) disown(session, now);
    }
    return expire(now);
}

bool ClientSessions::expire(Nanoseconds now) {
    return std::erase_if(sessions_, [now](const ClientSession& session) { return is_over(session, now); }) != 0;
}

std::optional<Nanoseconds> ClientSessions::next_end() const {
    std::optional<Nanoseconds> next;
    for (const auto& session : sessions_) {
        if (session.owner || !session.lease) continue;
        next = std::min(next.value_or(session.ends), session.ends);
    }
    return next;
}

std::vector<std::string> ClientSessions::make_room(const std::vector<SessionConfig>& others) {
    std::vector<std::string> gone;
    while (!sessions_.empty() && !check_sum(others, nullptr)) {
        gone.push_back(sessions_.back().config.name);
        sessions_.pop_back();
    }
    return gone;
}

std::vector<SessionConfig> ClientSessions::configs() const {
    std::vector<SessionConfig> result;
    for (const auto& session : sessions_) result.push_back(session.config);
    return result;
}

const ClientSession* ClientSessions::find(const std::string& name) const {
    if (!name.starts_with(kClientPrefix)) return nullptr;
    const auto found = std::ranges::find(sessions_, name, name_of);
    return found == sessions_.end() ? nullptr : &*found;
}

Result<void> ClientSessions::check_room(const ClientSession& session, const std::vector<SessionConfig>& others) const {
    if (sessions_.size() >= limits_.sessions)
        return fail(fmt::format("clients have {} sessions already, which is the limit", sessions_.size()));
    if (std::ranges::count(sessions_, session.owner, &ClientSession::owner) >=
        static_cast<std::ptrdiff_t>(limits_.of_one_client)) {
        return fail(fmt::format("one client may have {} sessions", limits_.of_one_client));
    }
    return check_sum(others, &session.config);
}

/// Of all sessions, with those of the configuration and one `more` (or null).
Result<void> ClientSessions::check_sum(const std::vector<SessionConfig>& others, const SessionConfig* more) const {
    auto intervals = intervals_of(others);
    for (const auto& session : sessions_) intervals.insert(session.config.probe.interval);
    if (more != nullptr) intervals.insert(more->probe.interval);
    if (others.size() + sessions_.size() + (more != nullptr ? 1 : 0) > limits_.all_sessions)
        return fail(fmt::format("this node has {} sessions already, which is the limit", limits_.all_sessions));
    if (intervals.size() > limits_.intervals)
        return fail(
            fmt::format("this node has {} different probe intervals already, which is the limit: use one of them",
                        limits_.intervals));
    return {};
}

}  // namespace sidestep
