// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the detector can be asked and told over the API. A new command is a row in detector_commands.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "detector/app/api_commands.hpp"
#include "detector/app/list_query.hpp"

namespace sidestep {

/// Take an adjacency out of use.
struct DrainRequest {
    std::string adjacency;
    std::optional<double> for_ms;  ///< a rehearsed failure, for this long; none: until the operator says otherwise
    bool force = false;            ///< even if packets would stay
    bool dry_run = false;
};

/// The work behind the commands: each makes the answer to one of them.
struct DetectorActions {
    std::function<nlohmann::json()> status;
    std::function<ApiPortions(const ListQuery& query)> sessions;
    std::function<ApiPortions(const ListQuery& query)> policies;
    std::function<ApiPortions()> metrics;
    std::function<ApiPortions()> events;
    std::function<nlohmann::json()> routing;
    std::function<nlohmann::json(const std::string& destination)> why;
    std::function<nlohmann::json()> bfd_peers;
    std::function<nlohmann::json(const std::string& session, bool up, bool dry_run)> admin;
    std::function<nlohmann::json(const DrainRequest& request)> drain;
    /// The request has the fields of the command; the session is of `connection`.
    std::function<nlohmann::json(const nlohmann::json& request, ConnectionId connection)> add_session;
    std::function<nlohmann::json(const std::string& session, bool force, ConnectionId connection)> remove_session;
    /// Answers later, to `connection`. No file: the configuration file that the daemon runs by.
    std::function<void(const std::string& file, bool dry_run, ConnectionId connection)> reload;
    /// Has such an answer written.
    std::function<void(ConnectionId connection, ApiPortions portions)> write;
};

/// The table of docs/api.md. The detector knows no other commands.
ApiCommands detector_commands(DetectorActions actions);

}  // namespace sidestep
