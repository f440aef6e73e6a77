// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The commands of the detector, one row each.
#include "detector/app/detector_commands.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace sidestep {
namespace {

using nlohmann::json;

ApiHandler without_fields(std::function<json()> action) {
    return [action = std::move(action)](const json&, ConnectionId) -> std::optional<json> { return action(); };
}

using Write = std::function<void(ConnectionId, ApiPortions)>;

ApiHandler in_portions(std::function<ApiPortions()> action, Write write) {
    return [action = std::move(action), write = std::move(write)](const json&,
                                                                  ConnectionId connection) -> std::optional<json> {
        write(connection, action());
        return std::nullopt;
    };
}

ApiHandler for_session(std::function<json(const std::string&, bool, bool)> action) {
    return [action = std::move(action)](const json& request, ConnectionId) -> std::optional<json> {
        return action(request.at("session").get<std::string>(), request.at("up").get<bool>(),
                      request.value("dry_run", false));
    };
}

/// An error if the list cannot be sorted so, or the limit is no count.
ApiHandler for_list(std::function<ApiPortions(const ListQuery&)> action, Write write) {
    return [action = std::move(action), write = std::move(write)](const json& request,
                                                                  ConnectionId connection) -> std::optional<json> {
        ListQuery query{.sort = request.value("sort", ""),
                        .filter = request.value("filter", ""),
                        .rerouting = request.value("rerouting", false)};
        if (!query.sort.empty() && std::ranges::find(kSessionOrders, query.sort) == kSessionOrders.end())
            return error_answer(fmt::format("sort: '{}' is none of {}", query.sort, fmt::join(kSessionOrders, ", ")));
        if (const auto limit = request.find("limit"); limit != request.end()) {
            if (!limit->is_number_integer() || *limit < 0) return error_answer("limit: must be a whole number");
            query.limit = limit->get<std::size_t>();
        }
        write(connection, action(query));
        return std::nullopt;
    };
}

ApiHandler for_drain(std::function<json(const DrainRequest&)> action) {
    return [action = std::move(action)](const json& request, ConnectionId) -> std::optional<json> {
        DrainRequest drain{.adjacency = request.at("adjacency").get<std::string>(),
                           .for_ms = std::nullopt,
                           .force = request.value("force", false),
                           .dry_run = request.value("dry_run", false)};
        if (const auto time = request.find("for_ms"); time != request.end()) drain.for_ms = time->get<double>();
        return action(drain);
    };
}

ApiHandler for_reload(std::function<void(const std::string&, bool, ConnectionId)> action, bool of_file) {
    return [action = std::move(action), of_file](const json& request, ConnectionId connection) -> std::optional<json> {
        const auto file = of_file ? request.at("file").get<std::string>() : "";
        if (of_file && !file.starts_with('/')) return error_answer("file: must be an absolute path");
        action(file, of_file || request.value("dry_run", false), connection);
        return std::nullopt;
    };
}

ApiHandler for_client(std::function<json(const json&, ConnectionId)> action) {
    return [action = std::move(action)](const json& request, ConnectionId connection) -> std::optional<json> {
        return action(request, connection);
    };
}

ApiHandler for_client(std::function<json(const std::string&, bool, ConnectionId)> action) {
    return [action = std::move(action)](const json& request, ConnectionId connection) -> std::optional<json> {
        return action(request.at("session").get<std::string>(), request.value("force", false), connection);
    };
}

ApiHandler for_destination(std::function<json(const std::string&)> action) {
    return [action = std::move(action)](const json& request, ConnectionId) -> std::optional<json> {
        return action(request.at("destination").get<std::string>());
    };
}

}  // namespace

ApiCommands detector_commands(DetectorActions actions) {
    const ApiField follow{.name = "follow", .type = "boolean", .required = false};
    const ApiField sort{.name = "sort", .type = "string", .required = false};
    const ApiField filter{.name = "filter", .type = "string", .required = false};
    const ApiField limit{.name = "limit", .type = "number", .required = false};
    const ApiField rerouting{.name = "rerouting", .type = "boolean", .required = false};
    const ApiField session{.name = "session", .type = "string"};
    const ApiField destination{.name = "destination", .type = "string"};
    const ApiField up{.name = "up", .type = "boolean"};
    const ApiField dry_run{.name = "dry_run", .type = "boolean", .required = false};
    const ApiField file{.name = "file", .type = "string"};
    const ApiField adjacency{.name = "adjacency", .type = "object", .required = false};
    const ApiField path{.name = "path", .type = "object", .required = false};
    const ApiField passive{.name = "passive", .type = "object", .required = false};
    const ApiField stay{.name = "stay", .type = "boolean", .required = false};
    const ApiField lease{.name = "lease_ms", .type = "number", .required = false};
    const ApiField force{.name = "force", .type = "boolean", .required = false};
    const ApiField drained{.name = "adjacency", .type = "string"};
    const ApiField for_ms{.name = "for_ms", .type = "number", .required = false};
    return ApiCommands({
        {.name = "status",
         .help = "The detector at a glance: clock, sessions by state, counters",
         .fields = {},
         .access = ApiAccess::questions,
         .run = without_fields(std::move(actions.status))},
        {.name = "sessions",
         .help = "Every liveness session: state, reason, probes, round trip",
         .fields = {sort, filter, limit},
         .access = ApiAccess::questions,
         .run = for_list(std::move(actions.sessions), actions.write)},
        {.name = "policies",
         .help = "Every policy: its candidate paths, which one carries traffic, how much it carried",
         .fields = {rerouting, filter, limit},
         .access = ApiAccess::questions,
         .run = for_list(std::move(actions.policies), actions.write)},
        {.name = "metrics",
         .help = "What the exporter shows of every session and policy, in columns",
         .fields = {},
         .access = ApiAccess::questions,
         .run = in_portions(std::move(actions.metrics), actions.write)},
        {.name = "events",
         .help = "What happened to sessions; with follow, what will happen, too",
         .fields = {follow},
         .access = ApiAccess::questions,
         .run = in_portions(std::move(actions.events), actions.write)},
        {.name = "routing",
         .help = "Where computed policies come from, and how the network converges",
         .fields = {},
         .access = ApiAccess::questions,
         .run = without_fields(std::move(actions.routing))},
        {.name = "why",
         .help = "Why packets to an address take the way that they take now",
         .fields = {destination},
         .access = ApiAccess::questions,
         .run = for_destination(std::move(actions.why))},
        {.name = "bfd-peers",
         .help = "The peers of FRR's bfdd and of this node's own BFD: what answers for each, and what bfdd was told",
         .fields = {},
         .access = ApiAccess::questions,
         .run = without_fields(std::move(actions.bfd_peers))},
        {.name = "admin",
         .help = "Takes a session down, or lets it come up again",
         .fields = {session, up, dry_run},
         .run = for_session(std::move(actions.admin))},
        {.name = "drain",
         .help = "Moves traffic off an adjacency, if it has another way; with for_ms, for that long",
         .fields = {drained, for_ms, force, dry_run},
         .run = for_drain(std::move(actions.drain))},
        {.name = "session-add",
         .help = "Watches an address or a segment list for this client, until its connection ends or longer",
         .fields = {adjacency, path, passive, stay, lease, follow},
         .run = for_client(std::move(actions.add_session))},
        {.name = "session-remove",
         .help = "Ends a session that a client asked for",
         .fields = {session, force},
         .run = for_client(std::move(actions.remove_session))},
        {.name = "reload",
         .help = "Reads the configuration file again and moves to it; with dry_run, says what would change",
         .fields = {dry_run},
         .run = for_reload(actions.reload, false)},
        {.name = "diff",
         .help = "What would change if the daemon ran by another configuration file",
         .fields = {file},
         .run = for_reload(actions.reload, true)},
    });
}

}  // namespace sidestep
