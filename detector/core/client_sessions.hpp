// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions that other programs ask for over the API: who owns each, how long it outlives its owner, and how many there
// may be. Pure; time is a parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"
#include "common/error.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep {

/// A program that asks for sessions: its connection.
enum class ClientId : std::uint64_t {};

/// What the names of clients' sessions begin with, so that no configuration can have the same.
inline constexpr auto kClientPrefix = "client/";

struct ClientSession {
    SessionConfig config;
    std::string request;               ///< JSON, from which a successor of this process makes the session again
    std::optional<Nanoseconds> lease;  ///< how long it outlives its owner; none: until it is removed
    std::optional<ClientId> owner;     ///< none: its owner is gone
    Nanoseconds ends{};                ///< steady clock; without an owner and with a lease: when it goes
};

struct ClientLimits {
    std::size_t sessions = 1024;
    std::size_t of_one_client = 512;
    std::size_t all_sessions = SS_MAX_SESSIONS;  ///< those of the configuration included
    std::size_t intervals = SS_MAX_CLASSES;      ///< different ones, likewise
};

class ClientSessions {
  public:
    explicit ClientSessions(const ClientLimits& limits = {}) : limits_(limits) {}

    /// Adds a session that has an owner. One of the same name that is the same in all else, and has no other living owner, is
    /// taken over: it goes on as it is. `others`: the sessions of the configuration.
    Result<void> add(ClientSession session, const std::vector<SessionConfig>& others);
    /// Adds a session, or gives the present one of this name these settings, for an owner that says what it wants again and
    /// again. Fails if another living owner has it.
    Result<void> set(ClientSession session, const std::vector<SessionConfig>& others);
    /// Removes the sessions of `owner` that are not among `names`.
    void keep_only(ClientId owner, const std::set<std::string>& names);
    /// Adds a session that a predecessor had; its owner may come back within its lease.
    void restore(ClientSession session, Nanoseconds now);
    /// Removes a session of `client`, or one whose owner is gone; any client's if forced.
    Result<void> remove(const std::string& name, ClientId client, bool force);
    /// The owner is gone. True if sessions went with it.
    bool leave(ClientId owner, Nanoseconds now);
    /// Removes those whose lease is over. True if there were any.
    bool expire(Nanoseconds now);
    /// When expire() has something to do next.
    [[nodiscard]] std::optional<Nanoseconds> next_end() const;
    /// The newest sessions go until the rest fits beside `others`. Returns their names.
    std::vector<std::string> make_room(const std::vector<SessionConfig>& others);

    /// The oldest first.
    [[nodiscard]] const std::vector<ClientSession>& all() const { return sessions_; }
    [[nodiscard]] std::vector<SessionConfig> configs() const;
    /// Null if there is none.
    [[nodiscard]] const ClientSession* find(const std::string& name) const;

  private:
    static Result<void> take_over(ClientSession& present, const ClientSession& asked);
    [[nodiscard]] Result<void> check_room(const ClientSession& session, const std::vector<SessionConfig>& others) const;
    [[nodiscard]] Result<void> check_sum(const std::vector<SessionConfig>& others, const SessionConfig* more) const;

    ClientLimits limits_;
    std::vector<ClientSession> sessions_;
};

}  // namespace sidestep
