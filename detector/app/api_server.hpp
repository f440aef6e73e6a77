// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The Unix socket that `sidestep` talks to: one JSON document a line, in and out (docs/architecture.md lists the
// commands).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json_fwd.hpp>

#include "common/error.hpp"

namespace sidestep {

/// Answers one request. A request that follows events gets its first answer here, and the rest by broadcast().
using ApiHandler = std::function<nlohmann::json(const nlohmann::json& request)>;

class ApiServer {
  public:
    /// Listens at `path`, readable and writable by root only. A socket left by a dead process is replaced; a living one
    /// is an error.
    static Result<std::unique_ptr<ApiServer>> listen(boost::asio::io_context& context, const std::string& path,
                                                     ApiHandler handler);
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;
    /// Removes the socket's file.
    ~ApiServer();

    /// Sends `line` to all who follow events. A follower that does not read is dropped, never waited for.
    void broadcast(const nlohmann::json& line);

  private:
    struct Impl;
    explicit ApiServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sidestep
