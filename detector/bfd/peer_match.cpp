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

/// A global IPv6 address of this node on the link, which the neighbor can forward to: FRR's choice if it is one, else the
/// closest to the neighbor's.
std::optional<Address> return_address(const AskedSession& peer, std::vector<Address> own) {
    std::erase_if(own, [](const Address& one) { return one.is_v4() || one.is_link_local(); });
    if (own.empty()) return std::nullopt;
    if (contains(own, peer.source)) return peer.source;
    std::ranges::sort(own);
    return *std::ranges::max_element(own, {}, [&](const Address& one) { return common_bits(one, peer.destination); });
}

PeerMatch make_session(const AskedSession& peer, const std::string& interface, const Surroundings& around) {
    const auto back = return_address(peer, around.addresses(interface));
    if (!back)
        return trouble(fmt::format(
            "this node has no global IPv6 address on {} that probes could return to: add one, or an adjacency with a "
            "return-address",
            interface));
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

}  // namespace

PeerMatch match_peer(const AskedSession& peer, const Surroundings& around) {
    if (peer.mode != 0) return trouble("S-BFD: not done by this version");
    if (peer.multihop) return trouble("multihop: probes answer for neighbors on a link only");
    if (peer.destination.is_unspecified() || peer.destination.is_multicast())
        return trouble(peer.destination.to_string() + " is no neighbor");
    std::vector<const AdjacencyConfig*> found;
    for (const auto& adjacency : around.adjacencies) {
        if (!peer.interface.empty() && adjacency.interface != peer.interface) continue;
        if (has_address(adjacency, peer.destination)) found.push_back(&adjacency);
    }
    if (found.size() == 1) return {.session = found.front()->name};
    if (found.size() > 1)
        return trouble(fmt::format("adjacencies {} and {} both have this neighbor: give the peer an interface",
                                   found[0]->name, found[1]->name));
    if (peer.destination.is_v4())
        return trouble("IPv4: probes are IPv6; list this address under `gateways` of the neighbor's adjacency");
    const auto interface = peer.interface.empty() ? around.interface_to(peer.destination) : peer.interface;
    if (interface.empty()) return trouble("no interface is given, and it is on none of this node's links");
    return make_session(peer, interface, around);
}

}  // namespace sidestep::bfd
