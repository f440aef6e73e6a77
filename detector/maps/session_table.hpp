// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions of a node: their configuration, their links, their state machines, and the shared memory that the data
// plane reads. Writes the detector's part of that memory, and nothing else of it.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "detector/core/headers.hpp"
#include "detector/core/saved_state.hpp"
#include "detector/core/schedule.hpp"
#include "detector/core/session_fsm.hpp"
#include "detector/core/session_list.hpp"
#include "detector/maps/maps.hpp"

namespace sidestep {

struct Session {
    SessionConfig config;
    std::uint16_t index = 0;  ///< in the maps; also the SSID of its probes
    FsmState fsm{};
    bool adopted = false;                     ///< the session was running when this process started
    int ifindex = 0;                          ///< 0: the interface does not exist now
    int return_ifindex = 0;                   ///< the same for the interface that probes return by
    bool link_seen = false;                   ///< rtnetlink has reported the interface
    bool running = false;                     ///< the interface is up and has carrier
    bool ip_off = false;                      ///< it has no IPv6
    std::optional<Nanoseconds> awaited{};     ///< since when it is in init, with its interface up
    Nanoseconds failed_at{};                  ///< when it last went down
    bool distrusted = false;                  ///< it verifies a backup, and has been silent for too long
    Nanoseconds heard{};                      ///< when the newest event of the kernel that was acted on happened
    std::optional<std::uint64_t> stuck_at{};  ///< its last probe, if that was too long ago when last looked at
    std::uint32_t mtu = 0;                    ///< of the interface, in bytes; 0: not known
    std::optional<MacAddress> own_mac = std::nullopt;
    std::optional<MacAddress> neighbor_mac = std::nullopt;
    int mac_ifindex = 0;                     ///< of the interface that neighbor_mac was learned on
    bfd::Machine bfd{};                      ///< of a session that speaks BFD
    std::optional<Address> local_address{};  ///< that it speaks BFD from; none: this node has none on the link

    /// The MAC addresses of both ends, once they are known.
    [[nodiscard]] std::optional<LinkAddresses> link() const;
};

/// What a session's settings mean to BFD.
bfd::Timers bfd_timers(const SessionConfig& config);
/// Entries of ss_passives have interfaces; those of BFD are others.
constexpr int bfd_key(int ifindex) {
    return static_cast<int>(static_cast<std::uint32_t>(ifindex) | SS_BFD_KEY);
}

/// One whose discriminator does not tell its index is found by it, too.
inline constexpr int kByDiscriminator = static_cast<int>(SS_BFD_BY_DISCRIMINATOR);
Address discriminator_key(std::uint32_t discriminator);
/// One of multihop BFD is found by the addresses of both ends, whatever the interface.
inline constexpr int kByPair = static_cast<int>(SS_BFD_BY_PAIR);
Address pair_key(const Address& peer, const Address& own);
/// Whether an entry of ss_passives is the session's.
bool expects(const Session& session, int ifindex, const Address& source);

class SessionTable {
  public:
    /// `saved` holds the sessions of a predecessor whose maps cannot be adopted; a session that was down then starts
    /// down.
    explicit SessionTable(Maps& maps, SavedSessions saved = {});
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;
    ~SessionTable() = default;

    /// Adds a session: takes over what a predecessor left under its name if the neighbor is the same, or else starts it
    /// fresh. Returns nullptr if there are SS_MAX_SESSIONS already. The session probes once it is published.
    Session* add(const SessionConfig& config);
    /// Ends a session and frees its index.
    void remove(Session& session);
    /// Sets another configuration for the same link: state, sequence numbers and counters stay.
    void reconfigure(Session& session, const SessionConfig& config);
    /// Sets another link or path under the same name: state and counters start fresh.
    void restart(Session& session, const SessionConfig& config);
    /// Ends sessions that a predecessor left and that were not added.
    void drop_leftovers();
    /// Makes the sessions in `names` protect something, and the others not.
    void set_protecting(const std::set<std::string>& names);
    /// Writes when each session is probed. Must be called after sessions came, went or changed their interval.
    void write_schedule();

    [[nodiscard]] std::list<Session>& all() { return sessions_; }
    [[nodiscard]] const std::list<Session>& all() const { return sessions_; }
    [[nodiscard]] Session* find(const std::string& name);
    [[nodiscard]] const Session* find(const std::string& name) const;
    [[nodiscard]] Session* find(std::uint16_t index);
    [[nodiscard]] const Session* find(std::uint16_t index) const;
    /// Sessions that leave or return by an interface, given by name or index.
    [[nodiscard]] std::vector<Session*> at_link(const std::string& name, int ifindex);
    /// Sessions with this neighbor.
    [[nodiscard]] std::vector<Session*> at_neighbor(int ifindex, const Address& neighbor);
    /// Set the indices of the interfaces that probes leave by and return by.
    void set_ifindex(Session& session, int ifindex);
    void set_return_ifindex(Session& session, int ifindex);

    /// Writes probe template and parameters; the session probes from the next tick on. Without known MAC addresses it
    /// sends nothing. A passive session begins to expect probes.
    void publish(const Session& session);
    /// Writes what a session says by BFD, after its machine has moved.
    void publish_bfd(const Session& session);
    /// Lowers the states of all sessions that leave by an interface, first of those that protect something: packets wait
    /// for them. What is stored for a successor follows with apply().
    void lower_all_by(int ifindex);
    /// Sets what a session that verifies a backup counts as: degraded, or up.
    void distrust(Session& session, bool distrusted);
    /// Carries out the state machine's actions, and stores what a successor needs. What a session that verifies a backup
    /// counts as is left to distrust().
    void apply(const Session& session, const SessionActions& actions);

    // NOLINTNEXTLINE(readability-make-member-function-const): a const table is one that writes no shared memory
    [[nodiscard]] ss_session& shared(const Session& session) { return maps_.sessions[session.index]; }
    [[nodiscard]] const ss_session& shared(const Session& session) const { return maps_.sessions[session.index]; }
    [[nodiscard]] std::uint32_t rank(const Session& session) const;

    /// Lowers ss_repair_state.active if it has stayed above the number of protecting sessions that are down since the
    /// last call (a process died between two steps). Called about every second.
    void audit_repair_active();

  private:
    /// Indices of sessions. One interface may have thousands: a session among them is not searched for.
    template <typename Key>
    using IndexBy = std::set<std::pair<Key, std::uint16_t>>;

    template <typename Key>
    static void collect(std::set<std::uint16_t>& to, const IndexBy<Key>& from, const Key& key);
    [[nodiscard]] std::vector<Session*> with(const std::set<std::uint16_t>& indices);
    void index(Session& session);
    void forget(const Session& session);
    void take_leftover(Session& session);
    void adopt(Session& session);
    void start_fresh(Session& session);
    void count_by_start(const Session& session);
    void change_rank(const Session& session, const SessionActions& actions);
    void clear(std::uint16_t index);
    void publish_probe(const Session& session, ss_session_conf& conf);
    void publish_passive(const Session& session, ss_session_conf& conf);
    void publish_speaker(const Session& session, ss_session_conf& conf);
    Result<void> expect_neighbor(const Session& session);
    void write_template(const Session& session, ss_session_conf& conf, const ProbeTemplate& bytes,
                        const Address& return_address, std::uint32_t flags);
    void start_bfd(Session& session, const ss_bfd_conf& before);
    void forget_passives(const Session& session);

    Maps& maps_;
    SavedSessions saved_;
    std::list<Session> sessions_;
    std::map<std::string, std::uint16_t> leftovers_;  ///< of a predecessor, by name
    std::set<std::uint16_t> free_;
    std::unordered_map<std::string, Session*> by_name_;
    std::unordered_map<std::uint16_t, Session*> by_index_;
    IndexBy<std::string> by_interface_;
    IndexBy<int> by_ifindex_;
    std::unordered_map<int, std::vector<std::uint16_t>> leaving_by_;  ///< indices: to lower their states in no time
    IndexBy<std::pair<int, Address>> by_neighbor_;
    std::optional<std::uint32_t> suspicious_count_;
};

}  // namespace sidestep
