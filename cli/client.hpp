// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The command line's end of the daemon's Unix socket: one line of JSON each way, or a line and then as many as come.
#pragma once

#include <chrono>
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

    /// Connects to the socket at `path`; the error says what to do about it.
    static Result<Client> connect(const std::string& path);

    /// Sends a command and waits `patience` for its answer; an answer {"error": ...} is an error too.
    Result<nlohmann::json> ask(const nlohmann::json& command,
                               std::chrono::milliseconds patience = std::chrono::seconds(5));
    Result<void> send(const nlohmann::json& command);
    /// The next answer, however long it takes; an error as well once the daemon has hung up.
    Result<nlohmann::json> receive();

  private:
    Result<std::string> read_line();

    Fd socket_;
    std::string received_;  ///< not yet taken as lines
};

/// The sockets in `run_dir`, one per node that runs or was killed, in alphabetical order; empty if there is no such
/// folder.
std::vector<std::string> find_sockets(const std::string& run_dir);

}  // namespace sidestep
