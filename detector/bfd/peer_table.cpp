// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From states of sessions to BFD states, and from those to what bfdd has to be told.
#include "detector/bfd/peer_table.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

namespace sidestep::bfd {
namespace {

Diagnostic diagnostic_of(Reason reason) {
    return reason == Reason::unanswered ? Diagnostic::detection_time_expired : Diagnostic::path_down;
}

std::uint32_t in_us(Nanoseconds duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

std::string name_of(const AskedSession& asked) {
    auto name = "peer " + asked.destination.to_string();
    if (!asked.interface.empty()) name += "%" + asked.interface;
    return asked.multihop ? name + " (multihop)" : name;
}

std::optional<Verdict> verdict_of(const Peer& peer, const std::optional<SessionView>& session) {
    constexpr Verdict kUnwatched{.state = BfdState::admin_down, .diagnostic = Diagnostic::admin_down};
    if (peer.asked.shutdown || !peer.match.trouble.empty()) return kUnwatched;
    if (!session) return std::nullopt;
    switch (session->state) {
        case SessionState::up:
        case SessionState::degraded:
            return Verdict{.state = BfdState::up, .diagnostic = Diagnostic::none};
        case SessionState::down:
        case SessionState::wait:
            return Verdict{.state = BfdState::down, .diagnostic = diagnostic_of(session->reason)};
        case SessionState::admin_down:
            return kUnwatched;
        case SessionState::init:
            break;
    }
    return std::nullopt;
}

Result<void> PeerTable::add(const AskedSession& asked, std::span<const std::uint8_t> frame, PeerMatch match,
                            Nanoseconds now) {
    if (peers_.size() >= kMostPeers && !peers_.contains(asked.discriminator))
        return fail(fmt::format("bfdd has {} peers already, which is the limit", peers_.size()));
    auto& peer = peers_[asked.discriminator];
    if (peer.frame.empty()) peer.since = now;
    peer.asked = asked;
    peer.frame.assign(frame.begin(), frame.end());
    peer.match = std::move(match);
    peer.owed = true;
    return {};
}

bool PeerTable::remove(std::uint32_t discriminator) {
    return peers_.erase(discriminator) != 0;
}

void PeerTable::match_again(const std::function<PeerMatch(const AskedSession&)>& match) {
    for (auto& [discriminator, peer] : peers_) peer.match = match(peer.asked);
}

std::vector<SessionWish> PeerTable::wishes() const {
    std::vector<SessionWish> wishes;
    std::set<std::string> names;
    for (const auto& [discriminator, peer] : peers_) {
        if (peer.match.wish && names.insert(peer.match.session).second) wishes.push_back(*peer.match.wish);
    }
    return wishes;
}

void PeerTable::note_refused(const std::string& session, const std::string& why) {
    for (auto& [discriminator, peer] : peers_) {
        if (peer.match.session == session) peer.match = {.trouble = why};
    }
}

Telling PeerTable::tell(Peer& peer, const Verdict& verdict, const std::optional<SessionView>& session,
                        Nanoseconds now) {
    StateChange change{
        .discriminator = peer.asked.discriminator, .state = verdict.state, .diagnostic = verdict.diagnostic};
    if (session) {
        change.remote_discriminator = session->index + 1U;
        change.remote_tx_us = change.remote_rx_us = in_us(session->interval);
        change.remote_multiplier = static_cast<std::uint8_t>(session->multiplier);
    }
    const bool first = !peer.told;
    const auto before = peer.state();
    if (change.state != before) {
        peer.since = now;
        if (change.state == BfdState::up) ++peer.ups;
        if (before == BfdState::up) ++peer.downs;
    }
    const bool same = !first && peer.told->state == change.state && peer.told->diagnostic == change.diagnostic;
    peer.told = change;
    peer.told_at = now;
    peer.owed = false;
    ++peer.notifications;
    return {.change = change, .session = peer.match.session, .new_state = !same};
}

std::vector<Telling> PeerTable::news(const FindSession& find, Nanoseconds now, const std::string* only_session) {
    std::vector<Telling> news;
    for (auto& [discriminator, peer] : peers_) {
        if (only_session != nullptr && peer.match.session != *only_session) continue;
        const auto session = peer.match.session.empty() ? std::nullopt : find(peer.match.session);
        auto verdict = verdict_of(peer, session);
        if (!verdict && peer.owed && peer.told)
            verdict = Verdict{.state = peer.told->state, .diagnostic = peer.told->diagnostic};
        if (!verdict) continue;
        const bool known = peer.told && peer.told->state == verdict->state &&
                           peer.told->diagnostic == verdict->diagnostic &&
                           (!session || (peer.told->remote_tx_us == in_us(session->interval) &&
                                         peer.told->remote_multiplier == session->multiplier));
        if (peer.owed || !known) news.push_back(tell(peer, *verdict, session, now));
    }
    return news;
}

std::vector<Telling> PeerTable::farewell(Nanoseconds now) {
    std::vector<Telling> last;
    for (auto& [discriminator, peer] : peers_) {
        last.push_back(
            tell(peer, {.state = BfdState::admin_down, .diagnostic = Diagnostic::admin_down}, std::nullopt, now));
    }
    return last;
}

const Peer* PeerTable::find(std::uint32_t discriminator) const {
    const auto found = peers_.find(discriminator);
    return found == peers_.end() ? nullptr : &found->second;
}

ProblemTexts PeerTable::problems() const {
    ProblemTexts problems;
    std::map<std::string, const Peer*> owners;
    for (const auto& [discriminator, peer] : peers_) {
        if (!peer.match.trouble.empty()) {
            problems.emplace(name_of(peer.asked), "not watched: " + peer.match.trouble);
            continue;
        }
        const auto [other, alone] = owners.emplace(peer.match.session, &peer);
        if (alone) continue;
        problems.emplace(
            name_of(peer.asked),
            fmt::format("bfdd has two sessions for this neighbor (ID {} and {}): both are told what session "
                        "{} says",
                        other->second->asked.discriminator, discriminator, peer.match.session));
    }
    return problems;
}

}  // namespace sidestep::bfd
