// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions of a node: what is configured, what is known of their links, what the state machine remembers, and the
// shared memory in which the data plane sees them. Writes the detector's part of that memory, and only that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/core/schedule.hpp"
#include "detector/core/session_config.hpp"
#include "detector/core/session_fsm.hpp"
#include "detector/core/wire.hpp"
#include "detector/maps/dataplane.hpp"
#include "detector/maps/state_file.hpp"

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
    /// Takes over what a predecessor left under the same names; everything else starts afresh. Sessions that are no
    /// longer configured stop.
    /// `remembered`: what a predecessor whose maps cannot be adopted knew of them; what was down then starts down.
    SessionTable(Dataplane& dataplane, const Config& config, const SavedSessions& saved_sessions = {});
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;
    ~SessionTable() = default;

    [[nodiscard]] std::vector<Session>& all() { return sessions_; }
    [[nodiscard]] const std::vector<Session>& all() const { return sessions_; }
    [[nodiscard]] Session* find(const std::string& name);
    [[nodiscard]] Session* find(std::uint16_t index);

    /// Writes probe template and parameters; the session probes from the next tick on. Without known MAC addresses it
    /// stays silent. A passive session begins to expect.
    void publish(const Session& session);
    /// Carries out what the state machine asks for, and stores what a successor needs.
    void apply(const Session& session, const SessionActions& actions);

    [[nodiscard]] ss_session& shared(const Session& session) { return dataplane_.sessions[session.index]; }
    [[nodiscard]] const ss_session& shared(const Session& session) const { return dataplane_.sessions[session.index]; }
    [[nodiscard]] std::uint32_t rank(const Session& session) const;

    /// Lowers a gate that has stayed above the number of closed words since the last call (a process died between two
    /// steps). To be called about every second.
    void audit_repair_active();

  private:
    void adopt_or_clear(const std::vector<SessionConfig>& configs);
    void start_fresh(Session& session, const SavedSessions& saved_sessions);
    void publish_probe(const Session& session, ss_session_conf& conf);
    void publish_passive(const Session& session, ss_session_conf& conf);
    void set_protects(const Session& session, bool gates);
    void write_plan();

    Dataplane& dataplane_;
    Address source_;
    std::vector<Session> sessions_;  ///< as many as there will be, once constructed
    std::unordered_map<std::string, Session*> by_name_;
    std::unordered_map<std::uint16_t, Session*> by_index_;
    std::optional<std::uint32_t> suspicious_count_;
};

}  // namespace sidestep
