// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions that other programs ask for: they are one more part of the desired state.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "detector/app/client_file.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/config/client_session.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr auto kLongestLease = std::chrono::hours(24);

ClientId client_of(ConnectionId connection) {
    return ClientId{static_cast<std::uint64_t>(connection)};
}

/// What the request says of the session itself, for read_client_session().
std::string session_part(const json& request) {
    json part = json::object();
    for (const char* key : {"adjacency", "path", "passive"}) {
        if (request.contains(key)) part[key] = request[key];
    }
    return part.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// How long the session outlives the connection; none: for ever.
Result<std::optional<Nanoseconds>> asked_lease(const json& request) {
    if (request.value("stay", false)) return std::nullopt;
    const auto milliseconds = request.value("lease_ms", 0.0);
    const std::chrono::duration<double, std::milli> lease(milliseconds);
    if (lease < lease.zero() || lease > kLongestLease)
        return fail(fmt::format("lease_ms: {} is not between 0 and {}", milliseconds,
                                std::chrono::duration_cast<std::chrono::milliseconds>(kLongestLease).count()));
    return std::chrono::duration_cast<Nanoseconds>(lease);
}

}  // namespace

json Daemon::add_session(const json& request, ConnectionId connection) {
    auto lease = asked_lease(request);
    if (!lease) return error_answer(lease.error().message);
    ClientSession session{
        .config = {}, .request = session_part(request), .lease = *lease, .owner = client_of(connection)};
    auto config = read_client_session(session.request, config_, interface_exists);
    if (!config) return error_answer(config.error().message);
    session.config = std::move(*config);
    const auto name = session.config.name;
    const auto before = clients_;
    if (auto added = clients_.add(std::move(session), base_.sessions); !added)
        return error_answer(added.error().message);
    if (auto moved = follow_clients(); !moved) {
        clients_ = before;
        return error_answer(moved.error().message);
    }
    return {{"session", name}, {"state", to_string(engine_->sessions().find(name)->fsm.state)}};
}

json Daemon::remove_session(const std::string& name, bool force, ConnectionId connection) {
    if (auto removed = clients_.remove(name, client_of(connection), force); !removed)
        return error_answer(removed.error().message);
    if (auto moved = follow_clients(); !moved) return error_answer(moved.error().message);
    return {{"session", name}, {"state", "removed"}};
}

void Daemon::on_client_gone(ConnectionId connection) {
    if (clients_.leave(client_of(connection), kernel_now())) warn_of(follow_clients());
    arm_leases();
}

/// The desired state with the clients' sessions as they are now; and what outlives this process, on disk.
Result<ChangePlan> Daemon::follow_clients() {
    auto moved = move_to(with_clients(base_, clients_.configs()));
    if (!moved) return moved;
    clients_problem_.note(save_clients(paths_.clients, clients_.all()));
    arm_leases();
    return moved;
}

void Daemon::arm_leases() {
    const auto next = clients_.next_end();
    if (!next) return;
    lease_.expires_at(at_kernel_time(*next));
    lease_.async_wait([this](const auto& error) {
        if (error) return;
        if (clients_.expire(kernel_now())) warn_of(follow_clients());
        arm_leases();
    });
}

void Daemon::restore_clients() {
    for (auto& saved : load_clients(paths_.clients)) {
        auto config = read_client_session(saved.request, config_);
        if (!config) {
            spdlog::warn("a client's session of the previous process is not restored: {}", config.error().message);
            continue;
        }
        clients_.restore({.config = std::move(*config),
                          .request = std::move(saved.request),
                          .lease = saved.lease,
                          .owner = std::nullopt},
                         kernel_now());
    }
    make_room_for(base_);
}

void Daemon::make_room_for(const Desired& base) {
    for (const auto& name : clients_.make_room(base.sessions))
        spdlog::warn(
            "session {} ends: with the sessions of the configuration there are too many, or too many intervals", name);
}

}  // namespace sidestep
