// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads where FRR's bfdd listens for its data plane, as bfdd's own option has it; and how an adjacency speaks BFD
// itself.
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "detector/config/bfd_keys.hpp"
#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::string_view kListens = "unix:";
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // it ends in a zero

std::string read_socket(const YamlPlace& place) {
    const auto text = place.text();
    if (!text) return {};
    if (!text->starts_with(kListens)) {
        place.complain(
            fmt::format("'{}' does not begin with {}: bfdd must listen at a Unix socket (its option "
                        "--dplaneaddr unix:PATH)",
                        *text, kListens));
        return {};
    }
    auto path = text->substr(kListens.size());
    if (!path.starts_with('/')) {
        place.complain("needs an absolute path after unix:");
    } else if (path.size() > kLongestPath) {
        place.complain(fmt::format("the path has {} bytes; a Unix socket's has {} at most", path.size(), kLongestPath));
    }
    return path;
}

std::optional<Address> read_bfd_address(const YamlPlace& place) {
    const auto address = place.address();
    if (!address) return address;
    return address->is_v4() ? read_unicast_v4(place, true) : read_unicast(place, true);
}

/// What both ends of a session have.
void read_speaker(const Reading& reading, const YamlPlace& place, BfdSettings& bfd) {
    const auto& limits = reading.limits;
    if (const auto receive = place.optional("receive-interval"))
        bfd.receive_interval =
            receive->duration(limits.shortest_bfd, limits.longest_interval).value_or(bfd.receive_interval);
    if (const auto passive = place.optional("passive")) bfd.passive = passive->boolean().value_or(false);
    if (const auto auth = place.optional("authentication")) bfd.auth = read_authentication(reading, *auth);
    if (const auto own = place.optional("discriminator")) {
        constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
        bfd.discriminator = static_cast<std::uint32_t>(own->integer(0, kMost).value_or(0));
        if (!reading.client) own->complain("is for sessions of clients");
    }
}

void check_local(const YamlPlace& place, const Address& local, const Address& remote) {
    if (local.is_v4() != remote.is_v4())
        place.complain(fmt::format("is not of the same family as the peer, {}", remote.to_string()));
    if (local == remote) place.complain("is the peer; it must be an address of this node");
}

/// A look may be late by that much, which is what an allowance means to the times that `check` prints.
void set_allowance(ProbeSettings& probe, const BfdSettings& bfd) {
    probe.allowance = std::min(probe.interval, bfd.receive_interval) / SS_BFD_LOOKS;
}

std::optional<Address> read_routed_address(const YamlPlace& place) {
    return place.is_v4_address() ? read_unicast_v4(place, false) : read_unicast(place);
}

/// Of a session whose other end, named by `key`, is anywhere.
void read_routed_ends(const Reading& reading, const YamlPlace& place, const std::string& key, BfdSettings& bfd) {
    constexpr unsigned kAnyTtl = 1;  // by default: a peer may send with 64, as BIRD does
    bfd.minimum_ttl = kAnyTtl;
    if (const auto least = place.optional("minimum-ttl"))
        bfd.minimum_ttl = static_cast<unsigned>(least->integer(kAnyTtl, SS_BFD_HOP_LIMIT).value_or(kAnyTtl));
    if (const auto peer = place.required(key)) bfd.peer = read_routed_address(*peer);
    if (const auto local = place.optional("local-address")) {
        bfd.local_address = read_routed_address(*local);
        if (bfd.local_address && bfd.peer) check_local(*local, *bfd.local_address, *bfd.peer);
        return;
    }
    if (!bfd.peer) return;
    bfd.local_address = bfd.peer->is_v4() ? reading.config.source_v4 : std::optional(reading.config.source);
    if (!bfd.local_address)
        place.complain("needs `local-address`, an IPv4 address of this node, or `source-address-ipv4` of `node`");
    if (bfd.local_address == bfd.peer) place_of(place, key).complain("is an address of this node");
}

}  // namespace

void read_adjacency_bfd(const Reading& reading, const YamlPlace& place, AdjacencyConfig& adjacency) {
    adjacency.probe =
        read_bfd_timing(reading, place,
                        {"interval", "receive-interval", "multiplier", "start", "wait-to-restore", "traffic-class",
                         "damping", "peer", "local-address", "passive", "discriminator", "authentication"});
    auto& bfd = adjacency.bfd.emplace(BfdSettings{.receive_interval = adjacency.probe.interval});
    read_speaker(reading, place, bfd);
    if (const auto peer = place.optional("peer")) bfd.peer = read_bfd_address(*peer);
    if (const auto local = place.optional("local-address")) {
        bfd.local_address = read_bfd_address(*local);
        if (bfd.local_address) check_local(*local, *bfd.local_address, bfd.peer.value_or(adjacency.neighbor));
    }
    set_allowance(adjacency.probe, bfd);
}

void read_path_bfd(Reading& reading, const YamlPlace& place, PathConfig& path) {
    path.probe = read_bfd_timing(
        reading, place,
        {"interval", "receive-interval", "multiplier", "start", "wait-to-restore", "traffic-class", "damping", "peer",
         "local-address", "minimum-ttl", "passive", "discriminator", "authentication"});
    auto& bfd = path.bfd.emplace(BfdSettings{.kind = BfdKind::multihop, .receive_interval = path.probe.interval});
    read_speaker(reading, place, bfd);
    read_routed_ends(reading, place, "peer", bfd);
    if (bfd.peer && bfd.local_address)
        reading.pairs.add(fmt::format("{} from {}", bfd.peer->to_string(), bfd.local_address->to_string()), place);
    set_allowance(path.probe, bfd);
}

void read_path_sbfd(const Reading& reading, const YamlPlace& place, PathConfig& path) {
    path.probe = read_bfd_timing(reading, place,
                                 {"interval", "multiplier", "start", "wait-to-restore", "traffic-class", "damping",
                                  "reflector", "discriminator", "local-address", "minimum-ttl"});
    auto& bfd = path.bfd.emplace(BfdSettings{.kind = BfdKind::seamless, .receive_interval = path.probe.interval});
    if (const auto number = place.required("discriminator")) bfd.reflector = read_discriminator(*number).value_or(0);
    read_routed_ends(reading, place, "reflector", bfd);
    set_allowance(path.probe, bfd);
}

void read_bfd(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"frr", "mode"})) return;
    BfdConfig bfd;
    if (const auto frr = place.required("frr")) bfd.frr = read_socket(*frr);
    if (const auto own = place.optional("mode")) {
        if (const auto mode = own->choice(kPeerModeNames)) bfd.mode = static_cast<PeerMode>(*mode);
    }
    reading.config.bfd = std::move(bfd);
}

}  // namespace sidestep::config_reader
