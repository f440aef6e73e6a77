// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads where FRR's bfdd listens for its data plane, as bfdd's own option has it; and how an adjacency speaks BFD
// itself.
#include <sys/un.h>

#include <cstdint>
#include <limits>
#include <optional>
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

}  // namespace

BfdSettings read_adjacency_bfd(const Reading& reading, const YamlPlace& place, Nanoseconds interval,
                               const Address& neighbor) {
    const auto& limits = reading.limits;
    BfdSettings bfd{.receive_interval = interval};
    if (const auto receive = place.optional("receive-interval"))
        bfd.receive_interval = receive->duration(limits.shortest_bfd, limits.longest_interval).value_or(interval);
    if (const auto peer = place.optional("peer")) bfd.peer = read_bfd_address(*peer);
    if (const auto passive = place.optional("passive")) bfd.passive = passive->boolean().value_or(false);
    if (const auto local = place.optional("local-address")) {
        bfd.local_address = read_bfd_address(*local);
        const auto& remote = bfd.peer.value_or(neighbor);
        if (bfd.local_address && bfd.local_address->is_v4() != remote.is_v4())
            local->complain(fmt::format("is not of the same family as the peer, {}", remote.to_string()));
        if (bfd.local_address == remote) local->complain("is the peer; it must be an address of this node");
    }
    if (const auto auth = place.optional("authentication")) bfd.auth = read_authentication(reading, *auth);
    if (const auto own = place.optional("discriminator")) {
        constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
        bfd.discriminator = static_cast<std::uint32_t>(own->integer(0, kMost).value_or(0));
        if (!reading.client) own->complain("is for sessions of clients");
    }
    return bfd;
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
