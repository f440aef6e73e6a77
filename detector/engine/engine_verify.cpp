// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the sessions that verify backups have to say (docs/decisions/0067-verify-backups.md). A backup that has fallen silent
// while all was well is used last. One that falls silent together with a link of this node is left alone: its answers may have
// come home by that link, and nobody knows better than the others what is still there.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "common/texts.hpp"
#include "common/wall_time.hpp"
#include "detector/core/verification.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

constexpr Nanoseconds kSilentFor = std::chrono::seconds(1);
constexpr Nanoseconds kTogether = std::chrono::seconds(1);

/// Its probes came back, and do not any more. Of a link that is down there is a better reason.
bool fell_silent(const Session& session) {
    return session.fsm.state == SessionState::down && session.fsm.reason == Reason::unanswered;
}

bool is_link(const Session& session) {
    return is_single_hop(session.config);
}

/// When the last of those links failed that are down now.
Nanoseconds newest_failure(const std::list<Session>& sessions) {
    Nanoseconds newest = Nanoseconds::min();
    for (const auto& session : sessions) {
        const auto state = session.fsm.state;
        const bool down = state == SessionState::down || state == SessionState::admin_down;
        if (down && is_link(session)) newest = std::max(newest, session.failed_at);
    }
    return newest;
}

/// Not as routers' messages about it are filed (list_text): those say more.
std::string backup_of(const Session& session, const Desired& present) {
    const auto out = std::ranges::find_if(present.adjacencies, [&](const AdjacencyKey& adjacency) {
        return adjacency.interface == session.config.interface && adjacency.neighbor == session.config.neighbor;
    });
    return fmt::format("the backup by {} over {}",
                       out == present.adjacencies.end() ? session.config.interface : out->name,
                       fmt::join(texts(session.config.encaps), ", "));
}

constexpr const char* kSilent =
    "packets that are to prove it do not come back any more: it is used if nothing better is up";

}  // namespace

void Engine::review_backups(Nanoseconds now) {
    std::optional<Nanoseconds> failure;  // looked up once, and rarely needed
    for (auto& session : sessions_.all()) {
        if (!session.config.verifies) continue;
        if (session.distrusted && session.fsm.state == SessionState::up) distrust(session, false, now);
        if (session.distrusted || !fell_silent(session) || now - session.failed_at < kSilentFor) continue;
        if (!failure) failure = newest_failure(sessions_.all());
        const bool together = *failure >= session.failed_at - kTogether;
        if (!together) distrust(session, true, now);
    }
}

void Engine::distrust(Session& session, bool distrusted, Nanoseconds now) {
    sessions_.distrust(session, distrusted);
    const auto backup = backup_of(session, present_);
    if (distrusted) {
        spdlog::warn("{}: {}; `sidestep doctor` says where they stay", backup, kSilent);
    } else {
        spdlog::info("{}: packets that are to prove it come back again", backup);
    }
    log_.add({.time = now,
              .wall_time = utc_now(),
              .session = session.config.name,
              .state = distrusted ? SessionState::degraded : SessionState::up,
              .reason = distrusted ? Reason::unanswered : Reason::none,
              .mode = session.config.mode,
              .evidence = std::nullopt});
}

Verification Engine::verification_of(const SegmentListConfig& list) const {
    const auto* session = list.verified_by.empty() ? nullptr : sessions_.find(list.verified_by);
    if (session == nullptr) return Verification::none;
    if (session->distrusted || fell_silent(*session)) return Verification::silent;
    return is_trusted(session->fsm.state) ? Verification::proven : Verification::none;
}

std::map<std::string, Problem> Engine::silent_backups() const {
    std::map<std::string, Problem> result;
    for (const auto& session : sessions_.all()) {
        if (session.distrusted) result[backup_of(session, present_)] = {.text = kSilent, .since = session.failed_at};
    }
    return result;
}

}  // namespace sidestep
