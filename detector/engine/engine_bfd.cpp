// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that speak BFD: from what the kernel has heard to what this node says (detector/core/bfd_machine.hpp). Whether
// traffic may use such a session is decided as for all others, by the kernel's verdict and the session's state machine.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "bpf/lib/bfd.h"
#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

bfd::Heard heard_by(const ss_session& shared, Nanoseconds now) {
    const auto last = SS_READ(shared.rx.last_answer_ns);
    const auto packets = SS_READ(shared.rx.answered);
    const auto detection = ss_bfd_detection_ns(&shared);
    return {.state = static_cast<bfd::BfdState>(ss_bfd_remote_state(&shared)),
            .discriminator = static_cast<std::uint32_t>(SS_READ(shared.rx.bfd.said)),
            .packets = packets,
            .finals = SS_READ(shared.rx.bfd.finals),
            .lately = packets != 0 && static_cast<std::uint64_t>(now.count()) < last + detection};
}

void log_bfd(const Session& session, bfd::BfdState before) {
    const auto level = before == bfd::BfdState::up ? spdlog::level::warn : spdlog::level::info;
    spdlog::log(level, "session {}: BFD: {} -> {} ({})", session.config.name, bfd::to_string(before),
                bfd::to_string(session.bfd.state), bfd::to_string(session.bfd.diagnostic));
}

}  // namespace

void Engine::review_bfd(Session& session, Nanoseconds now) {
    if (!session.config.bfd) return;
    const auto& shared = sessions_.shared(session);
    bfd::Situation situation{.timers = bfd_timers(session.config),
                             .admin_down = session.fsm.state == SessionState::admin_down,
                             .heard = heard_by(shared, now)};
    if (session.bfd.ups != 0 && SS_READ(shared.tx.bfd.ended) == session.bfd.ups)
        situation.ended = static_cast<bfd::Diagnostic>(SS_READ(shared.tx.bfd.diagnostic));
    const auto before = session.bfd.state;
    if (!bfd::advance(session.bfd, situation)) return;
    sessions_.publish_bfd(session);
    if (session.bfd.state != before) log_bfd(session, before);
}

/// The one that it has stays: a neighbor knows the session by it.
void Engine::choose_local_address(Session& session) const {
    if (!session.config.bfd) return;
    const auto& configured = session.config.bfd->local_address;
    if (configured) session.local_address = configured;
    if (!session.local_address)
        session.local_address = bfd::local_address(bfd_peer(session.config), addresses_on(session.config.interface));
}

/// Addresses are told after their link, and may come and go.
void Engine::follow_address(const AddressChange& change) {
    for (auto* session : sessions_.at_link({}, change.ifindex)) {
        if (!session->config.bfd) continue;
        const auto before = session->local_address;
        if (change.gone && before == change.address) session->local_address.reset();
        choose_local_address(*session);
        if (session->local_address != before) sessions_.publish(*session);
    }
}

/// An address that a predecessor spoke from may have gone since.
void Engine::check_local_address(Session& session) {
    if (!session.config.bfd || !session.local_address) return;
    const auto own = addresses_on(session.config.interface);
    if (own.empty() || std::ranges::find(own, *session.local_address) != own.end()) return;
    session.local_address.reset();
    choose_local_address(session);
    sessions_.publish(session);
}

}  // namespace sidestep
