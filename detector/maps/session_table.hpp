// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions of a node: what is configured, what is known of their links, what the state machine remembers, and the
// shared memory in which the data plane sees them. Writes the detector's part of that memory, and only that.
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

#include "detector/core/saved_state.hpp"
#include "detector/core/schedule.hpp"
#include "detector/core/session_config.hpp"
#include "detector/core/session_fsm.hpp"
#include "detector/core/wire.hpp"
#include "detector/maps/maps.hpp"

namespace sidestep {

struct Session {
    SessionConfig config;
    std::uint16_t index = 0;  ///< in the maps; also the SSID of its probes
    FsmState fsm{};
    bool adopted = false;    ///< was running when this process started
    int ifindex = 0;         ///< 0: the interface does not exist now
    int return_ifindex = 0;  ///< the same of the interface that probes come back by
    bool link_seen = false;  ///< rtnetlink has spoken of the interface
    bool running = false;    ///< the interface is up and has carrier
    std::uint32_t mtu = 0;   ///< of the interface, bytes; 0: not known
    std::optional<MacAddress> own_mac = std::nullopt;
    std::optional<MacAddress> neighbor_mac = std::nullopt;

    /// Both ends' MAC addresses, once known.
    [[nodiscard]] std::optional<LinkAddresses> link() const;
};

class SessionTable {
  public:
    /// `saved`: sessions as a predecessor knew them whose maps cannot be adopted; one that was down then starts down.
    explicit SessionTable(Maps& maps, SavedSessions saved = {});
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;
    ~SessionTable() = default;

    /// Adds a session: takes over what a predecessor left under its name, else starts it afresh. nullptr: there are
    /// SS_MAX_SESSIONS already. It probes once it is published.
    Session* add(const SessionConfig& config);
    /// Ends a session and gives its index away.
    void remove(Session& session);
    /// Another configuration for the same link: state, sequence numbers and counters stay.
    void reconfigure(Session& session, const SessionConfig& config);
    /// Another link or path under the same name: nothing that was known holds any more.
    void restart(Session& session, const SessionConfig& config);
    /// Ends sessions that a predecessor left and nobody added.
    void drop_leftovers();
    /// Sessions outside of `names` protect nothing from now on. Those in it do.
    void set_protecting(const std::set<std::string>& names);
    /// Writes when each session is to be probed. To be called after sessions came, went or changed their interval.
    void write_schedule();

    [[nodiscard]] std::list<Session>& all() { return sessions_; }
    [[nodiscard]] const std::list<Session>& all() const { return sessions_; }
    [[nodiscard]] Session* find(const std::string& name);
    [[nodiscard]] const Session* find(const std::string& name) const;
    [[nodiscard]] Session* find(std::uint16_t index);
    /// Those that leave or return by an interface, by its name or its index.
    [[nodiscard]] std::vector<Session*> at_link(const std::string& name, int ifindex);
    /// Those to this neighbor.
    [[nodiscard]] std::vector<Session*> at_neighbor(int ifindex, const Address& neighbor);
    /// The session leaves, and returns, by other interface indices.
    void set_ifindex(Session& session, int ifindex);
    void set_return_ifindex(Session& session, int ifindex);

    /// Writes probe template and parameters; the session probes from the next tick on. Without known MAC addresses it
    /// stays silent. A passive session begins to expect.
    void publish(const Session& session);
    /// Carries out what the state machine asks for, and stores what a successor needs.
    void apply(const Session& session, const SessionActions& actions);

    [[nodiscard]] ss_session& shared(const Session& session) { return maps_.sessions[session.index]; }
    [[nodiscard]] const ss_session& shared(const Session& session) const { return maps_.sessions[session.index]; }
    [[nodiscard]] std::uint32_t rank(const Session& session) const;

    /// Lowers repair_active where it has stayed above the number of protecting sessions that are down since the last call
    /// (a process died between two steps). To be called about every second.
    void audit_repair_active();

  private:
    void index(Session& session);
    void forget(const Session& session);
    void adopt(Session& session);
    void start_fresh(Session& session);
    void clear(std::uint16_t index);
    void publish_probe(const Session& session, ss_session_conf& conf);
    void publish_passive(const Session& session, ss_session_conf& conf);

    Maps& maps_;
    SavedSessions saved_;
    std::list<Session> sessions_;
    std::map<std::string, std::uint16_t> leftovers_;  ///< of a predecessor, by name
    std::set<std::uint16_t> free_;
    std::unordered_map<std::string, Session*> by_name_;
    std::unordered_map<std::uint16_t, Session*> by_index_;
    std::unordered_multimap<std::string, Session*> by_interface_;
    std::multimap<int, Session*> by_ifindex_;
    std::multimap<std::pair<int, Address>, Session*> by_neighbor_;
    std::optional<std::uint32_t> suspicious_count_;
};

}  // namespace sidestep
