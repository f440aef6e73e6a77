// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line's end of the daemon's Unix socket: one line of JSON each way, or a line and then as many as come.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// A connection to a daemon.
class Client {
  public:
    /// Takes over a connected stream socket.
    explicit Client(Fd socket) : socket_(std::move(socket)) {}

    /// Connects to the socket at `path`, within `patience`; the error says what to do about it.
    static Result<Client> connect(const std::string& path, std::chrono::milliseconds patience = kPatience);

    /// Sends a command and waits `patience` for its answer, all of it; an answer {"error": ...} is an error too.
    Result<nlohmann::json> ask(const nlohmann::json& command, std::chrono::milliseconds patience = kPatience);
    /// The next line of a daemon that sends events, however long it takes; an error as well once it has hung up.
    Result<nlohmann::json> receive();

  private:
    static constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(5);

    struct Deadline {
        std::chrono::steady_clock::time_point at;
        std::chrono::milliseconds patience;  ///< that led to it
    };

    static Result<nlohmann::json> parse(const std::string& line);
    [[nodiscard]] Result<void> wait_for(short events, const std::optional<Deadline>& deadline) const;
    [[nodiscard]] Result<void> send(const std::string& line, const Deadline& deadline) const;
    Result<std::string> read_line(const std::optional<Deadline>& deadline);

    Fd socket_;
    std::string received_;  ///< not yet taken as lines
};

/// Client::connect() to `socket`, or to the one for questions next to it if only that one is for this user.
Result<Client> connect_as_allowed(const std::string& socket);

/// The sockets in `run_dir`, one per node that runs or was killed, in alphabetical order; empty if there is no such
/// folder.
std::vector<std::string> find_sockets(const std::string& run_dir);

}  // namespace sidestep
