// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The peers that bfdd has handed out, the session that answers for each, and what bfdd was told of it. Pure: messages and
// the states of sessions go in, what is to be told comes out; time is a parameter.
//
// What is told is decided by level, not by edge: news() compares what each session is with what bfdd was told last. A missed
// event is therefore made good at the next look, and telling twice changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/duration.hpp"
#include "common/error.hpp"
#include "detector/bfd/dplane_message.hpp"
#include "detector/bfd/peer_match.hpp"
#include "detector/core/problems.hpp"
#include "detector/core/reason.hpp"
#include "detector/core/session_fsm.hpp"

namespace sidestep::bfd {

inline constexpr std::size_t kMostPeers = 4096;

/// What the neighbor said last in a session that speaks BFD.
struct HeardView {
    BfdState state = BfdState::down;
    std::uint32_t discriminator = 0;
    std::uint32_t tx_us = 0;
    std::uint32_t rx_us = 0;
    std::uint32_t echo_rx_us = 0;
    std::uint8_t multiplier = 0;
    bool c_bit = false;
};

/// What a peer's state follows from.
struct SessionView {
    SessionState state = SessionState::init;
    Reason reason = Reason::none;
    std::uint16_t index = 0;  ///< of the session
    Nanoseconds interval{};
    unsigned multiplier = 0;
    std::optional<HeardView> heard{};          ///< it speaks BFD
    Diagnostic diagnostic = Diagnostic::none;  ///< of this end, if it speaks BFD
    bool was_up = false;                       ///< the neighbor's BFD has been up in this session
};
/// nullopt: there is no session of this name.
using FindSession = std::function<std::optional<SessionView>(const std::string& name)>;

struct Peer {
    AskedSession asked{};
    std::vector<std::uint8_t> frame{};  ///< as it came
    PeerWays ways{};
    PeerMatch match{};                  ///< that of its ways which answers now
    std::optional<bool> by_bfd{};       ///< which one that is, if it has both; none: not chosen yet
    std::optional<StateChange> told{};  ///< last; none: nothing yet, and bfdd takes it for down
    Nanoseconds told_at{};              ///< steady clock
    Nanoseconds since{};                ///< when its present state began, likewise
    std::uint64_t notifications = 0;
    std::uint64_t ups = 0;
    std::uint64_t downs = 0;
    bool owed = false;  ///< bfdd has asked since: it may have forgotten what it was told

    [[nodiscard]] BfdState state() const { return told ? told->state : BfdState::down; }
};

/// Something to tell bfdd.
struct Telling {
    StateChange change;
    std::string session;     ///< empty: none answers
    bool new_state = false;  ///< not only repeated, or with other timers
};

/// What to tell of a session; nullopt: what was told stands. A session that has not been proven yet says nothing.
struct Verdict {
    BfdState state;
    Diagnostic diagnostic;

    bool operator==(const Verdict&) const = default;
};
std::optional<Verdict> verdict_of(const Peer& peer, const std::optional<SessionView>& session);

/// Has the peer answered by BFD as soon as its session is up, and by probes again if the neighbor takes its BFD away by
/// saying that it is administratively down, provided that probes are answered. So no choice takes a peer down.
void choose_way(Peer& peer, const FindSession& find);

class PeerTable {
  public:
    /// Adds a peer, or changes one of the same discriminator. Fails if there are too many.
    Result<void> add(const AskedSession& asked, std::span<const std::uint8_t> frame, PeerWays ways, Nanoseconds now);
    /// False if there is none.
    bool remove(std::uint32_t discriminator);
    void clear() { peers_.clear(); }
    /// Finds the answering sessions again, after sessions, interfaces or addresses have changed.
    void match_again(const std::function<PeerWays(const AskedSession&)>& match);
    /// The sessions to be made, one per neighbor.
    [[nodiscard]] std::vector<SessionWish> wishes() const;
    /// A wish could not be fulfilled.
    void note_refused(const std::string& session, const std::string& why);

    /// What bfdd does not know yet of the peers that a session answers for, or of all. It counts as told from now on.
    std::vector<Telling> news(const FindSession& find, Nanoseconds now, const std::string* only_session = nullptr);
    /// The last words before a planned end: no peer is watched any more, and that is no failure (RFC 5882, 4.2).
    std::vector<Telling> farewell(Nanoseconds now);

    /// By discriminator.
    [[nodiscard]] const std::map<std::uint32_t, Peer>& all() const { return peers_; }
    [[nodiscard]] const Peer* find(std::uint32_t discriminator) const;
    /// Sessions that were made for peers, and that do not answer for them now: another one does.
    [[nodiscard]] std::set<std::string> spare() const;
    /// Peers that no session answers for, and neighbors that bfdd asks for twice.
    [[nodiscard]] ProblemTexts problems() const;

  private:
    static Telling tell(Peer& peer, const StateChange& change, Nanoseconds now);

    std::map<std::uint32_t, Peer> peers_;
};

/// "peer fe80::b%to-B", for people.
std::string name_of(const AskedSession& asked);

}  // namespace sidestep::bfd
