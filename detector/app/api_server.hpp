// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The Unix socket that `sidestep` talks to: one JSON document a line, in and out (docs/api.md). Neither the number of
// clients nor what they do or leave undone grows or delays the detector beyond ApiLimits.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "common/error.hpp"
#include "detector/app/api.hpp"

namespace sidestep {

/// To be used by the thread that runs `context`, or while nobody runs it.
class ApiServer {
  public:
    /// Listens at `path`, readable and writable by its owner only. A socket left by a dead process is replaced; a living
    /// one is an error. `closed` is called by the loop, once for each connection that ends before the server does, and
    /// never from within a call of the server.
    static Result<std::unique_ptr<ApiServer>> listen(boost::asio::io_context& context, const std::string& path,
                                                     ApiHandler handler, ApiClosed closed = {},
                                                     const ApiLimits& limits = {});
    /// Listens at one more socket, whose requests go to a handler of their own. At most ApiLimits::readers clients use it, so
    /// that others always reach the first one, and ApiLimits::share of one user.
    Result<void> listen_for_questions(const std::string& path, ApiHandler handler);
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;
    /// Closes all connections, without calling `closed`, and removes the sockets' files.
    ~ApiServer();  // NOLINT(bugprone-exception-escape): see there

    /// Whether somebody follows events.
    [[nodiscard]] bool followed() const;
    /// Sends `event` to all who follow events. A follower that does not read is dropped, never waited for.
    void broadcast(const nlohmann::json& event);
    /// Sends `event` to one connection, whether it follows or not. False if it is gone, or dropped for being too far
    /// behind.
    bool send_to(ConnectionId connection, const nlohmann::json& event);
    /// The answer to a request for which the handler returned std::nullopt. False if the connection is gone, or if no
    /// request of it waits for an answer.
    bool reply(ConnectionId connection, const nlohmann::json& answer);
    /// The same with an answer that is written piece by piece, in turns with requests and with other such answers. An
    /// exception becomes an error, as one of the handler does.
    bool reply_in_portions(ConnectionId connection, ApiPortions portions);

  private:
    struct Impl;
    explicit ApiServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sidestep
