// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An adjacency of the configuration is preferred: the operator has said how it is probed.
#include "detector/bfd/peer_match.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "detector/core/client_sessions.hpp"

namespace sidestep::bfd {
namespace {

PeerMatch trouble(std::string text) {
    return {.trouble = std::move(text)};
}

/// Between address and interface in the names of sessions that speak BFD; those that probe have a %.
constexpr char kSpeaksOn = '@';

bool contains(const std::vector<Address>& addresses, const Address& address) {
    return std::ranges::find(addresses, address) != addresses.end();
}

bool has_address(const AdjacencyConfig& adjacency, const Address& address) {
    return adjacency.neighbor == address || contains(adjacency.gateways, address);
}

std::size_t common_bits(const Address& a, const Address& b) {
    std::size_t bits = 0;
    while (bits < 128 && ((a.bytes[bits / 8] ^ b.bytes[bits / 8]) & (0x80U >> (bits % 8))) == 0) ++bits;
    return bits;
}

/// A global address of this node on the link, of the neighbor's family, which the neighbor can forward to: FRR's choice if
/// it is one, else the closest to the neighbor's.
std::optional<Address> return_address(const AskedSession& peer, std::vector<Address> own) {
    const bool v4 = peer.destination.is_v4();
    std::erase_if(own, [&](const Address& one) { return one.is_v4() != v4 || one.is_link_local(); });
    if (own.empty()) return std::nullopt;
    if (contains(own, peer.source)) return peer.source;
    std::ranges::sort(own);
    return *std::ranges::max_element(own, {}, [&](const Address& one) { return common_bits(one, peer.destination); });
}

PeerMatch make_session(const AskedSession& peer, const std::string& interface, const Surroundings& around) {
    const auto back = return_address(peer, around.addresses(interface));
    if (!back)
        return trouble(fmt::format(
            "this node has no global {} address on {} that probes could return to: add one, or an adjacency with a "
            "return-address",
            peer.destination.is_v4() ? "IPv4" : "IPv6", interface));
    SessionWish wish{.name = fmt::format("{}%{}", peer.destination.to_string(), interface),
                     .interface = interface,
                     .neighbor = peer.destination,
                     .return_address = *back,
                     .interval = std::clamp<Nanoseconds>(std::chrono::microseconds(peer.min_tx_us),
                                                         around.shortest_interval, around.longest_interval),
                     .multiplier = std::clamp<unsigned>(peer.multiplier, 1, around.most_multiplier)};
    auto name = kClientPrefix + wish.name;
    return {.session = std::move(name), .wish = std::move(wish)};
}

/// The adjacencies that the peer may be the neighbor of.
std::vector<const AdjacencyConfig*> adjacencies_of(const AskedSession& peer, const Surroundings& around) {
    std::vector<const AdjacencyConfig*> found;
    for (const auto& adjacency : around.adjacencies) {
        if (!peer.interface.empty() && adjacency.interface != peer.interface) continue;
        if (has_address(adjacency, peer.destination)) found.push_back(&adjacency);
    }
    return found;
}

bool speaks_with(const AdjacencyConfig& adjacency, const AskedSession& peer) {
    if (!adjacency.bfd || (!peer.interface.empty() && adjacency.interface != peer.interface)) return false;
    return adjacency.bfd->peer.value_or(adjacency.neighbor) == peer.destination;
}

/// Why no session can answer, whatever it does; empty if one might.
std::string hopeless(const AskedSession& peer) {
    if (peer.mode != 0) return "S-BFD: not done by this version";
    if (peer.multihop) return "multihop: sessions answer for neighbors on a link only";
    if (peer.destination.is_unspecified() || peer.destination.is_multicast())
        return peer.destination.to_string() + " is no neighbor";
    return {};
}

std::string interface_of(const AskedSession& peer, const Surroundings& around) {
    return peer.interface.empty() ? around.interface_to(peer.destination) : peer.interface;
}

PeerMatch on_no_link() {
    return trouble("no interface is given, and it is on none of this node's links");
}

/// With bfdd's discriminator, timers, role and address, so that the neighbor sees what it would see of bfdd.
PeerMatch make_speaker(const AskedSession& peer, const std::string& interface, const Surroundings& around) {
    const auto interval = [&](std::uint32_t us) {
        return std::clamp<Nanoseconds>(std::chrono::microseconds(us), around.shortest_bfd, around.longest_interval);
    };
    BfdSettings bfd{
        .receive_interval = interval(peer.min_rx_us), .passive = peer.passive, .discriminator = peer.discriminator};
    if (!peer.source.is_unspecified()) bfd.local_address = peer.source;
    SessionWish wish{.name = fmt::format("{}{}{}", peer.destination.to_string(), kSpeaksOn, interface),
                     .interface = interface,
                     .neighbor = peer.destination,
                     .interval = interval(peer.min_tx_us),
                     .multiplier = std::clamp<unsigned>(peer.multiplier, 1, around.most_multiplier),
                     .bfd = bfd,
                     .shutdown = peer.shutdown};
    auto name = kClientPrefix + wish.name;
    return {.session = std::move(name), .wish = std::move(wish)};
}

}  // namespace

PeerMatch match_peer(const AskedSession& peer, const Surroundings& around) {
    if (auto why = hopeless(peer); !why.empty()) return trouble(std::move(why));
    const auto found = adjacencies_of(peer, around);
    if (found.size() == 1) return {.session = found.front()->name};
    if (found.size() > 1)
        return trouble(fmt::format("adjacencies {} and {} both have this neighbor: give the peer an interface",
                                   found[0]->name, found[1]->name));
    if (peer.destination.is_v4() && !around.source_v4)
        return trouble(
            "IPv4: its probes need node.source-address-ipv4; or list this address under `gateways` of the neighbor's "
            "adjacency, or set bfd.mode to auto or bfd");
    const auto interface = interface_of(peer, around);
    return interface.empty() ? on_no_link() : make_session(peer, interface, around);
}

PeerMatch match_speaker(const AskedSession& peer, const Surroundings& around) {
    if (auto why = hopeless(peer); !why.empty()) return trouble(std::move(why));
    std::vector<const AdjacencyConfig*> speaking;
    for (const auto& adjacency : around.adjacencies) {
        if (speaks_with(adjacency, peer)) speaking.push_back(&adjacency);
    }
    if (speaking.size() == 1) return {.session = speaking.front()->name};
    if (speaking.size() > 1)
        return trouble(fmt::format("adjacencies {} and {} both speak BFD with this address: give the peer an interface",
                                   speaking[0]->name, speaking[1]->name));
    const auto interface = interface_of(peer, around);
    return interface.empty() ? on_no_link() : make_speaker(peer, interface, around);
}

PeerWays ways_to(const AskedSession& peer, const Surroundings& around, PeerMode mode) {
    PeerWays ways;
    if (mode != PeerMode::bfd) ways.probe = match_peer(peer, around);
    if (mode != PeerMode::probe) ways.bfd = match_speaker(peer, around);
    if (mode != PeerMode::automatic) return ways;
    // What cannot be answered one way is answered the other.
    if (!ways.probe->trouble.empty() && ways.bfd->trouble.empty()) ways.probe.reset();
    if (ways.probe && (!ways.bfd->trouble.empty() || ways.bfd->session == ways.probe->session)) ways.bfd.reset();
    return ways;
}

}  // namespace sidestep::bfd
