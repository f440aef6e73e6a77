// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the sessions: adjacencies, paths and passive sessions; and the bypasses of adjacencies.
#include <algorithm>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/headers.hpp"
#include "detector/core/names.hpp"
#include "detector/core/session_list.hpp"

namespace sidestep::config_reader {
namespace {

void check_intervals(const Reading& reading, const YamlPlace& place) {
    const auto intervals = intervals_of(sessions_of(reading.config));
    if (intervals.size() <= reading.limits.intervals) return;
    place.complain(fmt::format("use {} different probe intervals; at most {} can be served", intervals.size(),
                               reading.limits.intervals));
}

/// How many more sessions there may be.
std::size_t room(const Reading& reading) {
    const auto taken = reading.config.adjacencies.size() + reading.config.paths.size();
    return reading.limits.adjacencies - std::min(taken, reading.limits.adjacencies);
}

/// Any address of the neighbor.
std::optional<Address> read_gateway(const YamlPlace& place) {
    const auto address = place.address();
    if (!address) return address;
    return address->is_v4() ? read_unicast_v4(place, true) : read_unicast(place, true);
}

/// A gateway leads to one adjacency: on a LAN it distinguishes the neighbors.
void read_gateways(const YamlPlace& place, AdjacencyConfig& adjacency, Seen& gateways) {
    for (const auto& item : place.items()) {
        const auto gateway = read_gateway(item);
        if (gateway && gateways.add(fmt::format("{}%{}", gateway->to_string(), adjacency.interface), item)) {
            adjacency.gateways.push_back(*gateway);
        }
    }
}

/// The name of a path or passive session.
std::string read_session_name(Reading& reading, const YamlPlace& place) {
    auto name = read_name(place).value_or("");
    if (!name.empty() && reading.adjacencies.contains(name)) {
        place.complain(fmt::format("'{}' is an adjacency; sessions need names of their own", name));
    } else if (!name.empty()) {
        reading.sessions.add(name, place);
    }
    return name;
}

/// RFC 5881, 4: a router that sends a packet back to the subnet that it is from tells of it (ICMP Redirect).
void check_v4_source(const Reading& reading, const YamlPlace& adjacency, const ProbeSettings& probe) {
    const auto& source = reading.config.source_v4;
    if (!reading.has_source_v4)
        place_of(adjacency, "neighbor").complain("is an IPv4 address: its probes need node.source-address-ipv4");
    if (source && source == probe.return_address)
        place_of(place_of(adjacency, "probe"), "return-address")
            .complain("is node.source-address-ipv4, too: probes must come from another address than they return to");
}

/// An adjacency is probed, or speaks BFD.
void read_liveness(Reading& reading, const YamlPlace& place, AdjacencyConfig& adjacency) {
    if (const auto bfd = place.optional("bfd")) {
        read_adjacency_bfd(reading, *bfd, adjacency);
        if (const auto probe = place.optional("probe")) probe->complain("and `bfd` exclude each other");
        return;
    }
    if (const auto probe = place.required("probe")) {
        adjacency.probe = read_adjacency_probe(reading, *probe, adjacency.neighbor);
        if (adjacency.probe.return_address == adjacency.neighbor && !adjacency.neighbor.is_unspecified())
            place_of(*probe, "return-address").complain("is the neighbor; it must be an address of this node");
        if (adjacency.neighbor.is_v4()) {
            check_v4_source(reading, place, adjacency.probe);
        } else if (reading.client && reading.config.source.is_unspecified()) {
            place_of(place, "neighbor").complain("is an IPv6 address: its probes need node.source-address");
        }
    }
}

/// A path is probed, which needs segments, or has BFD with somebody behind it, who may do without.
void read_path_liveness(Reading& reading, const YamlPlace& place, PathConfig& path) {
    const auto bfd = place.optional("bfd");
    const auto sbfd = place.optional("sbfd");
    const auto probe = bfd || sbfd ? place.optional("probe") : place.required("probe");
    if (bfd && sbfd) sbfd->complain("and `bfd` exclude each other");
    if (probe && (bfd || sbfd)) probe->complain(fmt::format("and `{}` exclude each other", bfd ? "bfd" : "sbfd"));
    if (bfd) return read_path_bfd(reading, *bfd, path);
    if (sbfd) return read_path_sbfd(reading, *sbfd, path);
    if (probe) path.probe = read_path_probe(reading, *probe);
}

}  // namespace

void read_adjacency(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"name", "interface", "neighbor", "gateways", "link", "mode", "probe", "bfd", "bypass"}))
        return;
    AdjacencyConfig adjacency;
    if (const auto name = place.required("name")) {
        adjacency.name = read_name(*name).value_or("");
        if (!adjacency.name.empty()) reading.adjacencies.add(adjacency.name, *name);
    }
    if (const auto interface = place.required("interface")) {
        adjacency.interface = read_interface(reading, *interface).value_or("");
        if (reading.exists && !carries_ethernet(adjacency.interface)) {
            interface->complain(
                fmt::format("'{}' carries no Ethernet frames: a neighbor there can neither be probed nor sent repaired "
                            "packets; such an "
                            "interface can only be listed under `ingress`",
                            adjacency.interface));
        }
    }
    if (const auto neighbor = place.required("neighbor")) {
        adjacency.neighbor = read_gateway(*neighbor).value_or(Address{});
        if (adjacency.neighbor.is_v4()) reading.v4_adjacencies.insert(adjacency.name);
    }
    if (const auto list = place.optional("gateways")) read_gateways(*list, adjacency, reading.gateways);
    adjacency.link = adjacency.name;
    if (const auto link = place.optional("link")) adjacency.link = link->text().value_or("");
    adjacency.mode = reading.config.mode;
    if (const auto own = place.optional("mode")) {
        if (const auto mode = own->choice(kModeNames)) adjacency.mode = static_cast<Mode>(*mode);
    }
    read_liveness(reading, place, adjacency);
    if (const auto bypass = place.optional("bypass")) {
        reading.bypasses.push_back({.adjacency = reading.config.adjacencies.size(), .place = *bypass});
    }
    reading.config.adjacencies.push_back(std::move(adjacency));
}

void read_path(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"name", "adjacency", "segments", "returns-on", "probe", "bfd", "sbfd"})) return;
    PathConfig path;
    if (const auto name = place.required("name")) path.name = read_session_name(reading, *name);
    const bool speaks = place.has("bfd") || place.has("sbfd");
    if (const auto adjacency = place.required("adjacency")) {
        path.adjacency = read_known_adjacency(reading, *adjacency);
        if (!speaks || place.has("segments")) refuse_v4(reading, path.adjacency, *adjacency, "a path");
    }
    if (const auto segments = speaks ? place.optional("segments") : place.required("segments"))
        path.segments = read_segments(reading, *segments);
    if (const auto returns_on = place.optional("returns-on")) {
        path.returns_on = read_interface(reading, *returns_on).value_or("");
    }
    read_path_liveness(reading, place, path);
    if (!probe_fits({.encaps = path.segments, .back = path.probe.back})) {
        place.complain("the probe with all its segments is longer than a template can be");
    }
    reading.config.paths.push_back(std::move(path));
}

void read_passive(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"name", "interface", "source", "probe"})) return;
    PassiveConfig passive;
    if (const auto name = place.required("name")) passive.name = read_session_name(reading, *name);
    if (const auto interface = place.required("interface")) {
        passive.interface = read_interface(reading, *interface).value_or("");
    }
    if (const auto source = place.required("source")) passive.source = read_unicast(*source).value_or(Address{});
    const auto probe = place.optional("probe");
    passive.probe = read_passive_probe(reading, probe ? &*probe : nullptr);
    reading.config.passives.push_back(std::move(passive));
}

void read_adjacencies(Reading& reading, const YamlPlace& place) {
    for (const auto& item : place.items(1, reading.limits.adjacencies)) read_adjacency(reading, item);
    check_intervals(reading, place);
}

void read_paths(Reading& reading, const YamlPlace& place) {
    for (const auto& item : place.items(0, room(reading))) read_path(reading, item);
    check_intervals(reading, place);
}

void read_passives(Reading& reading, const YamlPlace& place) {
    for (const auto& item : place.items(0, room(reading))) read_passive(reading, item);
    check_intervals(reading, place);
}

void warn_of_shared_fate(const Reading& reading, const SegmentListConfig& list, const std::string& protected_interface,
                         const YamlPlace& place) {
    for (const auto& path : reading.config.paths) {
        if (path.returns_on != protected_interface || std::ranges::count(list.sessions, path.name) == 0) continue;
        place_of(place, "sessions")
            .warn(fmt::format("the probes of '{}' return by {}, the interface that this list backs up: both fail "
                              "together; let them return by the list's own way (`returns-on`, `return`)",
                              path.name, path.returns_on));
    }
}

void read_bypasses(Reading& reading) {
    for (const auto& [index, place] : reading.bypasses) {
        auto& adjacency = reading.config.adjacencies[index];
        adjacency.bypass =
            read_candidates(reading, place, [&](const auto& list, const auto& /*before*/, const YamlPlace& list_place) {
                if (list.adjacency == adjacency.name) {
                    place_of(list_place, "adjacency").complain("a way over the adjacency itself bypasses nothing");
                }
                warn_of_shared_fate(reading, list, adjacency.interface, list_place);
                if (!adjacency.neighbor.is_v4() && reading.v4_adjacencies.contains(list.adjacency))
                    place_of(list_place, "adjacency")
                        .warn(fmt::format("the neighbor of '{}' is known by IPv4: IPv6 packets that take this bypass "
                                          "are lost if its link has no IPv6",
                                          list.adjacency));
            });
    }
}

std::string read_known_adjacency(const Reading& reading, const YamlPlace& place) {
    auto name = place.text();
    if (!name) return {};
    if (!reading.adjacencies.contains(*name)) {
        place.complain(fmt::format("no adjacency '{}'; known: {}", *name, reading.adjacencies.known()));
    }
    return std::move(*name);
}

bool refuse_v4(const Reading& reading, const std::string& adjacency, const YamlPlace& place, std::string_view what) {
    if (!reading.v4_adjacencies.contains(adjacency)) return false;
    place.complain(fmt::format("{} needs IPv6, and the neighbor of '{}' is known by IPv4", what, adjacency));
    return true;
}

}  // namespace sidestep::config_reader
