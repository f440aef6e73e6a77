// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Compares the engine's view with shared memory, which knows better.
#include <algorithm>
#include <chrono>
#include <utility>

#include "bpf/lib/portable.h"
#include "detector/core/detection.hpp"
#include "detector/engine/engine.hpp"
#include "detector/engine/quality.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kAuditEvery = 1s;
constexpr Nanoseconds kBfdStart = 10s;  // both ends begin with a packet a second

}  // namespace

void Engine::reconcile(Nanoseconds now) {
    record(Comparison(), now);
    for (auto& session : sessions_.all()) {
        review_bfd(session, now);
        compare_verdict(session, now);
        check_probing(session, now);
        check_start(session, now);
    }
    review_backups(now);
    seek_silent(now);
    ask_for_neighbors(now);
    refresh_inner();
    // A list may become usable without a change of a session, such as after a start that has adopted all of them.
    if (std::exchange(copies_doubted_, false) || now >= next_audit_) watch_copies();
    if (now < next_audit_) return;
    next_audit_ = now + kAuditEvery;
    routes_.expire(now);
    refresh_stale();
    policies_.forget_mtus(now);
    forget_refusals(now);
    sessions_.audit_repair_active();
    watch_silence(now);
}

/// Two looks in a row at the same last probe decide: at the first, the clock may just have come back from a standstill.
void Engine::check_probing(Session& session, Nanoseconds now) {
    const auto before = std::exchange(session.stuck_at, std::nullopt);
    if (!is_trusted(session.fsm.state)) return;
    const auto& tx = sessions_.shared(session).tx;
    const auto sequence = SS_READ(tx.sequence);
    const Nanoseconds last_probe(session.config.bfd ? SS_READ(tx.bfd.looked_ns)
                                                    : SS_READ(tx.sent_at_ns[sequence & (SS_SENT_RING - 1)]));
    const Nanoseconds last_tick(SS_READ(maps_.clock().last_tick_ns));
    if (!is_unprobed(session.config.probe, Nanoseconds(maps_.clock_conf().tick_ns), last_probe, last_tick)) return;
    session.stuck_at = sequence;
    if (before == sequence) deliver(session, SessionEvent::unprobed, now);
}

void Engine::check_start(Session& session, Nanoseconds now) {
    if (session.fsm.state != SessionState::init || !session.running) return session.awaited.reset();
    if (!session.awaited) session.awaited = now;
    const auto& probe = session.config.probe;
    const bool probes = sessions_.shared(session).conf.flags != 0;  // else its neighbor is not known
    const auto patience = session.config.bfd ? kBfdStart : longest_start(probe);
    if (probes && probe.start == Start::proven && now - *session.awaited > patience)
        deliver(session, SessionEvent::unproven, now);
}

/// Events wait while this process is stopped or busy. A death is news all the same unless a later verdict was acted on,
/// since the state was lowered with it; what raises the state must still be true.
bool Engine::is_old_news(const Session& session, const ss_event& event) const {
    if (Nanoseconds(event.time_ns) < session.heard) return true;
    const auto& tx = sessions_.shared(session).tx;
    if (event.type == SS_EVENT_DEAD || SS_READ(tx.epoch) != event.epoch) return false;
    if (event.type == SS_EVENT_QUALITY && event.quality == SS_GOOD) return SS_READ(tx.quality) != SS_GOOD;
    return SS_READ(tx.verdict) == SS_DEAD && SS_READ(tx.verdict_ns) > event.time_ns;
}

bool Engine::is_answered(const Session& session) const {
    const auto& shared = sessions_.shared(session);
    return is_trusted(session.fsm.state) && SS_READ(shared.tx.epoch) == shared.conf.epoch &&
           SS_READ(shared.tx.verdict) == SS_ALIVE;
}

void Engine::compare_verdict(Session& session, Nanoseconds now) {
    const auto& fsm = session.fsm;
    const auto& shared = sessions_.shared(session);
    if (SS_READ(shared.tx.epoch) != shared.conf.epoch) return;
    const auto verdict = SS_READ(shared.tx.verdict);
    const bool live = fsm.state == SessionState::up || fsm.state == SessionState::degraded;
    const bool trusted = is_trusted(fsm.state);
    // A state that is down, and that nobody here has lowered: it died, and came back.
    const bool died = verdict == SS_DEAD || (verdict == SS_ALIVE && sessions_.rank(session) == SS_DOWN);
    if (died && trusted) deliver(session, SessionEvent::dead, now);
    if (verdict == SS_ALIVE && live && fsm.poor != poor_reason(SS_READ(shared.tx.quality))) {
        deliver(session, meaning_of_quality(SS_READ(shared.tx.quality)), now);
    }
    if (verdict == SS_ALIVE && !fsm.proven && !trusted && fsm.state != SessionState::admin_down) {
        session.heard = std::max(session.heard, Nanoseconds(SS_READ(shared.tx.verdict_ns)));
        deliver(session, SessionEvent::alive, now);
    }
}

}  // namespace sidestep
