// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep under FRR: the peers of bfdd are answered by sessions of the configuration, or by sessions made for them, which
// are a client's like those of the API.
#include <algorithm>
#include <filesystem>
#include <limits>
#include <utility>

#include "bpf/lib/portable.h"
#include "common/file.hpp"
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
    return json{{"adjacency",
                 {{"name", wish.name},
                  {"interface", wish.interface},
                  {"neighbor", wish.neighbor.to_string()},
                  {"probe",
                   {{"interval", format_duration(wish.interval)},
                    {"multiplier", wish.multiplier},
                    {"return-address", wish.return_address.to_string()}}}}}}
        .dump();
}

std::string interface_to(const Address& neighbor) {
    const auto route = look_up_route(neighbor);
    if (!route || route->gateway) return {};
    return route->interface;
}

}  // namespace

void Daemon::follow_bfd() {
    const auto path = config_.bfd ? config_.bfd->frr : std::string();
    if (bfd_ && bfd_->path() == path) return bfd_->review(kernel_now());
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
    return {.match = [this](const bfd::AskedSession& peer) { return match_peer(peer); },
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

bfd::PeerMatch Daemon::match_peer(const bfd::AskedSession& peer) const {
    const ConfigLimits limits;
    const bool process = config_.clock == ClockKind::process;
    return bfd::match_peer(
        peer, {.adjacencies = config_.adjacencies,
               .shortest_interval = process ? limits.shortest_process_interval : limits.shortest_interval,
               .longest_interval = limits.longest_interval,
               .most_multiplier = limits.multiplier,
               .addresses = [this](const std::string& interface) { return engine_->addresses_on(interface); },
               .interface_to = interface_to});
}

std::optional<bfd::SessionView> Daemon::view(const std::string& name) const {
    const auto* session = std::as_const(*engine_).sessions().find(name);
    if (session == nullptr) return std::nullopt;
    return bfd::SessionView{.state = session->fsm.state,
                            .reason = session->fsm.reason,
                            .index = session->index,
                            .interval = session->config.probe.interval,
                            .multiplier = session->config.probe.multiplier};
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
    if (clients_.configs() == before.configs()) return refused;
    if (auto moved = follow_clients(); !moved) {
        clients_ = before;
        for (const auto& name : names) refused.emplace(name, moved.error().message);
    }
    return refused;
}

void Daemon::log_bfd(const json& event) {
    event_file_->append(event);
    if (server_->followed()) server_->broadcast(event);
}

json Daemon::bfd_peers() const {
    if (!bfd_) return error_answer("no `bfd` in the configuration");
    return bfd_->answer(kernel_now());
}

}  // namespace sidestep
