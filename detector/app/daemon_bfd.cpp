// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep under FRR: the peers of bfdd are answered by sessions of the configuration, or by sessions made for them, which
// are a client's like those of the API.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "bpf/lib/bfd.h"
#include "common/file.hpp"
#include "detector/app/answer_bfd.hpp"
#include "detector/app/daemon_loop.hpp"
#include "detector/config/client_session.hpp"
#include "detector/kernel/route_lookup.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr ClientId kBfdd{std::numeric_limits<std::uint64_t>::max()};  // no connection has this number
/// A session goes on for this long while bfdd is away: it comes back to a session that has stayed up.
constexpr Nanoseconds kBfddLease = std::chrono::seconds(60);

constexpr const char* kKeptAs = "bfdd";  // the service manager's name for the socket

/// As a client of the API would ask.
std::string request_of(const bfd::SessionWish& wish) {
    json adjacency{{"name", wish.name}, {"interface", wish.interface}, {"neighbor", wish.neighbor.to_string()}};
    json liveness{{"interval", format_duration(wish.interval)}, {"multiplier", wish.multiplier}};
    if (const auto& bfd = wish.bfd) {
        liveness["receive-interval"] = format_duration(bfd->receive_interval);
        liveness["passive"] = bfd->passive;
        liveness["discriminator"] = bfd->discriminator;
        if (bfd->local_address) liveness["local-address"] = bfd->local_address->to_string();
        adjacency["bfd"] = std::move(liveness);
    } else {
        liveness["return-address"] = wish.return_address.to_string();
        adjacency["probe"] = std::move(liveness);
    }
    return json{{"adjacency", std::move(adjacency)}}.dump();
}

bfd::HeardView heard_by(const ss_session& shared) {
    const auto timers = SS_READ(shared.rx.bfd.timers);
    return {.state = static_cast<bfd::BfdState>(ss_bfd_remote_state(&shared)),
            .discriminator = static_cast<std::uint32_t>(SS_READ(shared.rx.bfd.said)),
            .tx_us = static_cast<std::uint32_t>(timers >> 32),
            .rx_us = static_cast<std::uint32_t>(timers),
            .echo_rx_us = SS_READ(shared.rx.bfd.echo_us),
            .multiplier = static_cast<std::uint8_t>(ss_bfd_remote_multiplier(&shared)),
            .c_bit = (ss_bfd_remote_flags(&shared) & SS_BFD_INDEPENDENT) != 0};
}

std::string interface_to(const Address& neighbor) {
    const auto route = look_up_route(neighbor);
    if (!route || route->gateway) return {};
    return route->interface;
}

}  // namespace

void Daemon::follow_bfd() {
    const auto path = config_.bfd ? config_.bfd->frr : std::string();
    if (bfd_ && bfd_->path() == path) return bfd_->review(kernel_now());  // its mode may be another one
    if (bfd_) {
        bfd_->leave(false, kernel_now());
        (void)want_for_bfd({});
        bfd_.reset();
    }
    if (path.empty()) return;
    bfd_ = std::make_unique<BfdSpeaker>(context_, path, bfd_hooks());
    if (auto kept = service_.take(kKeptAs); kept)
        bfd_->resume(std::move(kept), read_file(paths_.bfd).value_or(""), kernel_now());
    bfd_->tick(kernel_now());
}

BfdHooks Daemon::bfd_hooks() {
    return {.match = [this](const bfd::AskedSession& peer) { return ways_to(peer); },
            .session = [this](const std::string& name) { return view(name); },
            .counters = [this](const std::string& name) { return count(name); },
            .want = [this](const std::vector<bfd::SessionWish>& wishes) { return want_for_bfd(wishes); },
            .gone =
                [this] {
                    if (clients_.leave(kBfdd, kernel_now())) warn_of(follow_clients());
                    arm_leases();
                },
            .keep =
                [this](int fd) {
                    if (fd >= 0) return service_.keep(fd, kKeptAs);
                    service_.forget(kKeptAs);
                    return false;
                },
            .save =
                [this](const std::string& frames) {
                    std::error_code ignored;
                    if (frames.empty()) {
                        std::filesystem::remove(paths_.bfd, ignored);
                    } else {
                        warn_of(replace_file(paths_.bfd, frames));
                    }
                },
            .on_event = [this](const json& event) { log_bfd(event); }};
}

bfd::PeerWays Daemon::ways_to(const bfd::AskedSession& peer) const {
    const ConfigLimits limits;
    const bool process = config_.clock == ClockKind::process;
    return bfd::ways_to(peer,
                        {.adjacencies = config_.adjacencies,
                         .shortest_interval = process ? limits.shortest_process_interval : limits.shortest_interval,
                         .shortest_bfd = process ? limits.shortest_process_interval : limits.shortest_bfd,
                         .longest_interval = limits.longest_interval,
                         .most_multiplier = limits.multiplier,
                         .addresses = [this](const std::string& interface) { return engine_->addresses_on(interface); },
                         .interface_to = interface_to,
                         .source_v4 = config_.source_v4.has_value()},
                        config_.bfd ? config_.bfd->mode : PeerMode::probe);
}

std::optional<bfd::SessionView> Daemon::view(const std::string& name) const {
    const auto* session = std::as_const(*engine_).sessions().find(name);
    if (session == nullptr) return std::nullopt;
    bfd::SessionView view{.state = session->fsm.state,
                          .reason = session->fsm.reason,
                          .index = session->index,
                          .interval = session->config.probe.interval,
                          .multiplier = session->config.probe.multiplier};
    if (!session->config.bfd) return view;
    view.heard = heard_by(std::as_const(*engine_).sessions().shared(*session));
    view.diagnostic = session->bfd.diagnostic;
    view.was_up = session->bfd.ups != 0;
    return view;
}

bfd::SessionCounters Daemon::count(const std::string& name) const {
    const auto& sessions = std::as_const(*engine_).sessions();
    const auto* session = sessions.find(name);
    if (session == nullptr) return {};
    const auto& shared = sessions.shared(*session);
    const auto sent = SS_READ(shared.tx.sent);
    const auto answered = SS_READ(shared.rx.answered);
    return {.packets_in = answered,
            .bytes_in = answered * shared.conf.length,
            .packets_out = sent,
            .bytes_out = sent * shared.conf.length};
}

std::map<std::string, std::string> Daemon::want_for_bfd(const std::vector<bfd::SessionWish>& wishes) {
    std::map<std::string, std::string> refused;
    std::set<std::string> names;
    const auto before = clients_;
    for (const auto& wish : wishes) {
        const auto name = kClientPrefix + wish.name;
        ClientSession session{.config = {}, .request = request_of(wish), .lease = kBfddLease, .owner = kBfdd};
        auto config = read_client_session(session.request, config_, interface_exists);
        if (!config) {
            refused.emplace(name, config.error().message);
            continue;
        }
        session.config = std::move(*config);
        if (auto set = clients_.set(std::move(session), base_.sessions); !set) {
            refused.emplace(name, set.error().message);
        } else {
            names.insert(name);
        }
    }
    clients_.keep_only(kBfdd, names);
    if (clients_.configs() != before.configs()) {
        if (auto moved = follow_clients(); !moved) {
            clients_ = before;
            for (const auto& name : names) refused.emplace(name, moved.error().message);
        }
    }
    follow_shutdowns(wishes);
    return refused;
}

/// What bfdd shuts down says so to its neighbor. What an operator holds down is not let up because bfdd did not ask for that.
void Daemon::follow_shutdowns(const std::vector<bfd::SessionWish>& wishes) {
    std::set<std::string> shut;
    for (const auto& wish : wishes) {
        if (wish.shutdown) shut.insert(kClientPrefix + wish.name);
    }
    const auto set = [&](const std::string& name, bool up) {
        auto* session = engine_->sessions().find(name);
        const bool is_down = session != nullptr && session->fsm.state == SessionState::admin_down;
        if (session != nullptr && is_down == up) engine_->on_admin(*session, up, kernel_now());
    };
    for (const auto& name : shut) set(name, false);
    for (const auto& name : bfd_shut_) {
        if (!shut.contains(name)) set(name, true);
    }
    bfd_shut_ = std::move(shut);
}

void Daemon::log_bfd(const json& event) {
    event_file_->append(event);
    if (server_->followed()) server_->broadcast(event);
}

/// Those of bfdd, then this node's own sessions.
json Daemon::bfd_peers() const {
    const auto now = kernel_now();
    json answer{{"bfdd", nullptr}, {"peers", json::array()}};
    if (bfd_) answer = bfd_->answer(now);
    std::set<std::string> listed;
    for (const auto& peer : answer.at("peers")) {
        if (const auto& session = peer.at("session"); session.is_string()) listed.insert(session.get<std::string>());
    }
    const auto& sessions = std::as_const(*engine_).sessions();
    for (const auto& session : sessions.all()) {
        const auto* client = clients_.find(session.config.name);
        const bool is_made = client != nullptr && client->owner == kBfdd;
        if (!session.config.bfd || is_made || listed.contains(session.config.name)) continue;
        answer["peers"].push_back(answer_bfd_peer(session, sessions.shared(session), client != nullptr, now));
    }
    return answer;
}

}  // namespace sidestep
