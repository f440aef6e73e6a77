// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sessions that were never proven, and other mistakes that nothing else would ever report.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "detector/core/silence.hpp"
#include "detector/engine/engine.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPatience = 3s;
constexpr std::size_t kLoggedAtOnce = 16;

}  // namespace

std::vector<std::string> Engine::holders_of(const Address& address) const {
    std::vector<std::string> names;
    const auto found = own_addresses_.find(address);
    if (found == own_addresses_.end()) return names;
    for (const int ifindex : found->second) {
        const auto name = link_names_.find(ifindex);
        names.push_back(name == link_names_.end() ? fmt::format("interface {}", ifindex) : name->second);
    }
    return names;
}

Silence Engine::silence_of(const Session& session) const {
    const auto& shared = sessions_.shared(session);
    return {.config = &session.config,
            .sent = SS_READ(shared.tx.sent),
            .answered = SS_READ(shared.rx.answered),
            .send_errors = SS_READ(shared.tx.send_errors),
            .carrier = !session.fsm.carrier_cause,
            .ipv6 = !session.fsm.ip_cause,
            .neighbor_known = session.neighbor_mac.has_value() && !session.fsm.neighbor_cause,
            .return_at = holders_of(session.local_address.value_or(session.config.probe.return_address))};
}

bool Engine::never_proven(const Session& session) const {
    const auto state = session.fsm.state;
    if (!session.running || (state != SessionState::init && state != SessionState::down)) return false;
    const bool unproven = state == SessionState::init || session.fsm.reason == Reason::unproven;
    return unproven || SS_READ(sessions_.shared(session).rx.answered) == 0;
}

/// Warns once for each cause; the text with fresh numbers is in problems().
void Engine::watch_silence(Nanoseconds now) {
    std::map<std::string, SilentSession> silent;
    std::size_t logged = 0;
    for (const auto& session : sessions_.all()) {
        if (session.config.verifies || !never_proven(session)) continue;
        const auto known = silences_.find(session.config.name);
        auto entry = known == silences_.end() ? SilentSession{.since = now} : known->second;
        if (now - entry.since >= kPatience) {
            const auto silence = silence_of(session);
            auto cause = likely_cause(silence);
            if (cause != entry.cause && ++logged <= kLoggedAtOnce)
                spdlog::warn("session {}: not proven for {}: {}", session.config.name,
                             format_duration(now - entry.since), explain(silence));
            entry.cause = std::move(cause);
        }
        silent[session.config.name] = std::move(entry);
    }
    if (logged > kLoggedAtOnce)
        spdlog::warn("{} more sessions that were never proven; `sidestep status` has all", logged - kLoggedAtOnce);
    silences_ = std::move(silent);
    watch_source(now);
}

void Engine::watch_source(Nanoseconds now) {
    const bool foreign = links_seen_ && holders_of(present_.node.source).empty();
    if (!foreign) source_missing_since_.reset();
    if (foreign && !source_missing_since_) source_missing_since_ = now;
    const bool late = source_missing_since_ && now - *source_missing_since_ >= kPatience;
    if (late && !source_problem_)
        spdlog::warn("source-address {} is no address of this node: ICMP errors about repaired packets do not reach it",
                     present_.node.source.to_string());
    source_problem_ = late;
}

std::map<std::string, Problem> Engine::problems() const {
    std::map<std::string, Problem> result;
    if (source_problem_ && source_missing_since_) {
        result["node"] = {
            .text = fmt::format("source-address {} is no address of this node", present_.node.source.to_string()),
            .since = *source_missing_since_};
    }
    for (const auto& [name, silent] : silences_) {
        const auto* session = sessions_.find(name);
        if (silent.cause.empty() || session == nullptr) continue;
        result["session " + name] = {.text = explain(silence_of(*session)), .since = silent.since};
    }
    result.merge(refusals());
    result.merge(silent_backups());
    return result;
}

}  // namespace sidestep
