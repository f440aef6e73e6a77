// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From states of sessions to BFD states, and from those to what bfdd has to be told.
#include "detector/bfd/peer_table.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

namespace sidestep::bfd {
namespace {

std::uint32_t in_us(Nanoseconds duration) {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

Diagnostic diagnostic_of(const SessionView& session) {
    if (session.reason != Reason::unanswered) return Diagnostic::path_down;
    const bool says_why = session.heard && session.diagnostic != Diagnostic::none;
    return says_why ? session.diagnostic : Diagnostic::detection_time_expired;
}

bool is_up(const SessionView& session) {
    return session.state == SessionState::up || session.state == SessionState::degraded;
}

/// Its neighbor has said that it is administratively down, which is no failure (RFC 5882, 4.2).
bool has_left(const SessionView& session) {
    return session.heard && session.was_up && session.heard->state == BfdState::admin_down;
}

/// The way that answers, until choose_way() knows more.
void keep_choice(Peer& peer) {
    choose_way(peer, [](const std::string&) { return std::nullopt; });
}

/// What there is to say of the neighbor: what it says, or what our own probes stand for.
StateChange change_of(const Peer& peer, const Verdict& verdict, const std::optional<SessionView>& session) {
    StateChange change{
        .discriminator = peer.asked.discriminator, .state = verdict.state, .diagnostic = verdict.diagnostic};
    if (!session) return change;
    if (const auto& heard = session->heard) {
        change.remote_discriminator = heard->discriminator;
        change.remote_tx_us = heard->tx_us;
        change.remote_rx_us = heard->rx_us;
        change.remote_echo_rx_us = heard->echo_rx_us;
        change.remote_multiplier = heard->multiplier;
        change.remote_c_bit = heard->c_bit;
        return change;
    }
    change.remote_discriminator = session->index + 1U;
    change.remote_tx_us = change.remote_rx_us = in_us(session->interval);
    change.remote_multiplier = static_cast<std::uint8_t>(session->multiplier);
    return change;
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
            if (has_left(*session)) return kUnwatched;
            return Verdict{.state = BfdState::down, .diagnostic = diagnostic_of(*session)};
        case SessionState::admin_down:
            return kUnwatched;
        case SessionState::init:
            break;
    }
    return std::nullopt;
}

void choose_way(Peer& peer, const FindSession& find) {
    const auto& [probe, bfd] = peer.ways;
    if (!probe || !bfd) {
        if (probe || bfd) peer.match = probe ? *probe : *bfd;
        peer.by_bfd.reset();
        return;
    }
    const auto spoken = find(bfd->session);
    if (spoken && !peer.by_bfd) peer.by_bfd = spoken->was_up && !has_left(*spoken);
    if (spoken && is_up(*spoken)) peer.by_bfd = true;
    const auto probed = find(probe->session);
    if (spoken && has_left(*spoken) && probed && is_up(*probed)) peer.by_bfd = false;
    peer.match = peer.by_bfd.value_or(false) ? *bfd : *probe;
}

Result<void> PeerTable::add(const AskedSession& asked, std::span<const std::uint8_t> frame, PeerWays ways,
                            Nanoseconds now) {
    if (peers_.size() >= kMostPeers && !peers_.contains(asked.discriminator))
        return fail(fmt::format("bfdd has {} peers already, which is the limit", peers_.size()));
    auto& peer = peers_[asked.discriminator];
    if (peer.frame.empty()) peer.since = now;
    peer.asked = asked;
    peer.frame.assign(frame.begin(), frame.end());
    peer.ways = std::move(ways);
    keep_choice(peer);
    peer.owed = true;
    return {};
}

bool PeerTable::remove(std::uint32_t discriminator) {
    return peers_.erase(discriminator) != 0;
}

void PeerTable::match_again(const std::function<PeerWays(const AskedSession&)>& match) {
    for (auto& [discriminator, peer] : peers_) {
        peer.ways = match(peer.asked);
        keep_choice(peer);
    }
}

std::vector<SessionWish> PeerTable::wishes() const {
    std::vector<SessionWish> wishes;
    std::set<std::string> names;
    for (const auto& [discriminator, peer] : peers_) {
        for (const auto& way : {peer.ways.probe, peer.ways.bfd}) {
            if (way && way->wish && names.insert(way->session).second) wishes.push_back(*way->wish);
        }
    }
    return wishes;
}

void PeerTable::note_refused(const std::string& session, const std::string& why) {
    for (auto& [discriminator, peer] : peers_) {
        auto& [probe, bfd] = peer.ways;
        const auto is_it = [&](const std::optional<PeerMatch>& way) { return way && way->session == session; };
        if (is_it(probe) && bfd) {
            probe.reset();
        } else if (is_it(bfd) && probe) {
            bfd.reset();
        } else if (is_it(probe) || is_it(bfd)) {
            peer.ways = {.probe = PeerMatch{.trouble = why}};
        }
        keep_choice(peer);
    }
}

Telling PeerTable::tell(Peer& peer, const StateChange& change, Nanoseconds now) {
    const auto before = peer.state();
    if (change.state != before) {
        peer.since = now;
        if (change.state == BfdState::up) ++peer.ups;
        if (before == BfdState::up) ++peer.downs;
    }
    const bool same = peer.told && peer.told->state == change.state && peer.told->diagnostic == change.diagnostic;
    peer.told = change;
    peer.told_at = now;
    peer.owed = false;
    ++peer.notifications;
    return {.change = change, .session = peer.match.session, .new_state = !same};
}

std::vector<Telling> PeerTable::news(const FindSession& find, Nanoseconds now, const std::string* only_session) {
    std::vector<Telling> news;
    for (auto& [discriminator, peer] : peers_) {
        const auto concerns = [&](const std::optional<PeerMatch>& way) { return way && way->session == *only_session; };
        if (only_session != nullptr && !concerns(peer.ways.probe) && !concerns(peer.ways.bfd)) continue;
        choose_way(peer, find);
        const auto session = peer.match.session.empty() ? std::nullopt : find(peer.match.session);
        auto verdict = verdict_of(peer, session);
        if (!verdict && peer.owed && peer.told)
            verdict = Verdict{.state = peer.told->state, .diagnostic = peer.told->diagnostic};
        if (!verdict) continue;
        const auto change = change_of(peer, *verdict, session);
        if (peer.owed || peer.told != change) news.push_back(tell(peer, change, now));
    }
    return news;
}

std::vector<Telling> PeerTable::farewell(Nanoseconds now) {
    std::vector<Telling> last;
    for (auto& [discriminator, peer] : peers_) {
        constexpr Verdict kUnwatched{.state = BfdState::admin_down, .diagnostic = Diagnostic::admin_down};
        last.push_back(tell(peer, change_of(peer, kUnwatched, std::nullopt), now));
    }
    return last;
}

const Peer* PeerTable::find(std::uint32_t discriminator) const {
    const auto found = peers_.find(discriminator);
    return found == peers_.end() ? nullptr : &found->second;
}

std::set<std::string> PeerTable::spare() const {
    std::set<std::string> spare;
    for (const auto& [discriminator, peer] : peers_) {
        for (const auto& way : {peer.ways.probe, peer.ways.bfd}) {
            if (way && way->wish && way->session != peer.match.session) spare.insert(way->session);
        }
    }
    return spare;
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
