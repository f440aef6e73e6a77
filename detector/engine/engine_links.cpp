// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Follows what the kernel says of links, neighbors and addresses: what traffic waits for comes first.
#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>

#include "detector/engine/engine.hpp"
#include "detector/engine/quality.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kNeighborSeekEvery = 1s;
constexpr Nanoseconds kNeighborDoubt = 10ms;

/// A neighbor that is known by IPv4 needs no IPv6.
bool lacks_ip(const Session& session, const LinkChange& link) {
    return link.ip_off && !session.config.neighbor.is_v4();
}

}  // namespace

void Engine::relink(Session& session) {
    choose_local_address(session);
    sessions_.publish(session);
    policies_.refresh(session);
    relinked_ = true;
}

bool Engine::note_link(const LinkChange& change) {
    const auto known = link_names_.find(change.ifindex);
    bool same = false;
    if (known != link_names_.end()) {
        const auto before = link_at(known->second);
        same = !change.gone && before.up == change.up && before.running == change.running;
        links_.erase(known->second);  // its name may have changed
        link_names_.erase(known);
    }
    if (change.gone) return true;
    links_[change.name] = change;
    link_names_[change.ifindex] = change.name;
    return !same;
}

/// The link as rtnetlink would report it; a link that does not exist counts as gone.
LinkChange Engine::link_at(const std::string& name) const {
    const auto found = links_.find(name);
    return found != links_.end() ? found->second : LinkChange{.ifindex = 0, .name = name, .gone = true, .mac = {}};
}

bool Engine::on_link(const LinkChange& change, Nanoseconds now) {
    // Traffic waits for these stores, so they come before anything else.
    if (change.gone || !change.running) sessions_.lower_all_by(change.ifindex);
    const auto concerned = sessions_.at_link(change.name, change.ifindex);
    const auto loses_link = [&](const Session& session) {
        const bool its_own = session.config.interface == change.name || session.ifindex == change.ifindex;
        return its_own &&
               (change.gone || !change.running || lacks_ip(session, change) || session.config.interface != change.name);
    };
    // The same for those that lose an interface of another number, or its name.
    for (auto* session : concerned) {
        if (loses_link(*session)) sessions_.apply(*session, {.lower = true});
    }
    record(change, now);
    const bool news = note_link(change);
    for (auto* session : concerned) {
        follow_return_link(*session, change, now);
        if (session->config.interface == change.name || session->ifindex == change.ifindex)
            follow_link(*session, change, now);
    }
    ask_for_neighbors(now);
    note_route_link(change, now);
    if (!change.up && inner_routes_.on_interface_down(change.ifindex)) inner_changed_ = true;
    return news;
}

void Engine::follow_return_link(Session& session, const LinkChange& link, Nanoseconds now) {
    if (session.config.returns_on != link.name && session.return_ifindex != link.ifindex) return;
    const int ifindex = session.config.returns_on == link.name && !link.gone ? link.ifindex : 0;
    if (session.return_ifindex == ifindex) return;
    sessions_.set_return_ifindex(session, ifindex);
    choose_local_address(session);
    sessions_.publish(session);
    const bool its_own = session.config.returns_on == session.config.interface;  // then there is a better reason
    if (ifindex == 0 && !its_own && is_trusted(session.fsm.state)) deliver(session, SessionEvent::unprobed, now);
}

void Engine::follow_link(Session& session, const LinkChange& link, Nanoseconds now) {
    const bool ours = session.config.interface == link.name && !link.gone;
    const auto before = std::tuple(session.ifindex, session.own_mac, session.mtu);
    const bool was_running = session.running;
    const int ifindex = ours ? link.ifindex : 0;
    session.running = ours && link.running;
    if (!session.running && (was_running || !session.link_seen)) deliver(session, SessionEvent::carrier_lost, now);
    if (session.mac_ifindex != ifindex) session.neighbor_mac.reset();  // it was another neighbor's
    sessions_.set_ifindex(session, ifindex);
    session.own_mac = ours ? link.mac : std::nullopt;
    session.mtu = ours ? link.mtu : 0;
    session.link_seen = true;
    if (before != std::tuple(session.ifindex, session.own_mac, session.mtu)) {
        relink(session);
        if (ours && !link.ethernet)
            spdlog::warn("session {}: {} carries no Ethernet frames, so its neighbor cannot be probed",
                         session.config.name, link.name);
    }
    const bool ip_off = ours && lacks_ip(session, link);
    if (std::exchange(session.ip_off, ip_off) != ip_off)
        deliver(session, ip_off ? SessionEvent::ip_off : SessionEvent::ip_back, now);
    if (was_running || !session.running) return;
    deliver(session, SessionEvent::carrier_back, now);
    seek(session);  // another neighbor may be plugged in now
}

void Engine::seek(const Session& session) {
    if (session.running && !session.config.passive_source) neighbors_.add({session.ifindex, session.config.neighbor});
}

void Engine::ask_for_neighbors(Nanoseconds now) {
    for (const auto& [ifindex, neighbor] : neighbors_.take(now)) hooks_.resolve(ifindex, neighbor);
}

/// A neighbor that does not answer may have another MAC address than it had.
void Engine::seek_silent(Nanoseconds now) {
    if (now < next_seek_ || !neighbors_.empty()) return;  // not before all have had their turn
    next_seek_ = now + kNeighborSeekEvery;
    for (const auto& session : sessions_.all()) {
        const bool unanswered =
            !session.fsm.proven && (session.fsm.state == SessionState::down || session.fsm.state == SessionState::init);
        const bool silent = unanswered && !session.config.verifies;  // the far end may have no way back
        if (!session.neighbor_mac || session.fsm.neighbor_cause || silent) seek(session);
    }
}

void Engine::on_neighbor(const NeighborChange& change, Nanoseconds now) {
    record(change, now);
    if (change.mac && adjacencies_.note_resolved(change.ifindex, change.address, *change.mac)) relinked_ = true;
    for (auto* session : sessions_.at_neighbor(change.ifindex, change.address)) {
        if (change.mac && change.mac != session->neighbor_mac) {
            session->neighbor_mac = change.mac;
            session->mac_ifindex = change.ifindex;
            relinked_ = true;
            relink(*session);
        }
        if (change.status == NeighborStatus::failed) on_neighbor_failed(*session, now);
        if (change.gone || change.status == NeighborStatus::usable) neighbor_doubts_.erase(session->index);
        if (change.status == NeighborStatus::usable && session->fsm.neighbor_cause) {
            deliver(*session, SessionEvent::neighbor_resolved, now);
        }
    }
}

/// An operator who removes an entry is told of like a failure, and right afterwards of the removal. So the neighbor of a
/// session that is answered is asked for, and has failed only if that is not followed by better news.
void Engine::on_neighbor_failed(Session& session, Nanoseconds now) {
    if (!is_answered(session)) return deliver(session, SessionEvent::neighbor_failed, now);
    if (neighbor_doubts_.emplace(session.index, now + kNeighborDoubt).second) seek(session);
    ask_for_neighbors(now);
}

void Engine::on_address(const AddressChange& change) {
    record(change);
    auto& holders = own_addresses_[change.address];
    if (change.gone) {
        holders.erase(change.ifindex);
    } else {
        holders.insert(change.ifindex);
    }
    policies_.exempt(change.address, !holders.empty());
    if (holders.empty()) own_addresses_.erase(change.address);
    follow_address(change);
}

std::vector<Address> Engine::addresses_on(const std::string& interface) const {
    std::vector<Address> addresses;
    const auto link = links_.find(interface);
    if (link == links_.end()) return addresses;
    for (const auto& [address, holders] : own_addresses_) {
        if (holders.contains(link->second.ifindex)) addresses.push_back(address);
    }
    return addresses;
}

void Engine::on_links_known(Nanoseconds now) {
    record(LinksKnown(), now);
    links_seen_ = true;
    for (auto& session : sessions_.all()) {
        if (!session.link_seen) follow_link(session, link_at(session.config.interface), now);
        check_local_address(session);
    }
    ask_for_neighbors(now);
    settle();
}

}  // namespace sidestep
