// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The terms that the parts of the API share: a connection's identity, the handler of requests, and the limits that keep
// clients from growing or delaying the detector. docs/api.md describes the protocol.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace sidestep {

/// One connection for as long as it lasts. A server never gives an identity twice.
enum class ConnectionId : std::uint64_t {};

/// Answers one request of `connection`. std::nullopt means that ApiServer::reply() brings the answer later; the next
/// request of this connection is not read before that. A request with "follow": true gets events from its answer on.
using ApiHandler = std::function<std::optional<nlohmann::json>(const nlohmann::json& request, ConnectionId connection)>;

/// What a socket of the API is for.
enum class ApiAccess : std::uint8_t {
    control,
    questions,  ///< that change nothing
};

/// A large answer, written piece by piece: each call appends to `text`, which becomes one JSON object without a newline, and
/// returns false after the last piece. A call takes a fraction of a millisecond; between two of them, everything else that
/// is due in the loop is done.
using ApiPortions = std::function<bool(std::string& text)>;

/// What an ApiHandler answers where it cannot do what it was asked.
inline nlohmann::json error_answer(std::string message) {
    return {{"error", std::move(message)}};
}

/// Is told that a connection is gone.
using ApiClosed = std::function<void(ConnectionId connection)>;

/// What clients may use of the detector. Sizes are in bytes.
struct ApiLimits {
    std::size_t clients = 64;
    std::size_t readers = 48;        ///< of them, at the socket for questions: it may be open to many
    std::size_t share = 16;          ///< of these, for one user, so that none keeps the others out
    std::size_t process = 48;        ///< at the socket for all commands, for one process: a leak leaves room for others
    std::size_t request = 64 << 10;  ///< a line
    int depth = 16;                  ///< objects and arrays within each other in a request
    std::size_t unread = 256 << 10;  ///< queued for a connection: beyond that, its requests are not read
    std::size_t behind = 4 << 20;    ///< events queued for a follower: beyond that, it is dropped
    std::size_t total = 32 << 20;    ///< queued for all: beyond that, the connection with most of it is dropped
    std::chrono::milliseconds accept_again{100};  ///< after a failure to accept
};

}  // namespace sidestep
