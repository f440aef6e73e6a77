// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads whom this node answers: the reflectors of STAMP (RFC 8762) and S-BFD (RFC 7880).
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "detector/config/reader.hpp"

namespace sidestep::config_reader {
namespace {

constexpr unsigned kLeastUserPort = 1024;  // RFC 8762, 4.1: the default port, or one of users' and dynamic ports
constexpr unsigned kLastPort = 65535;

std::optional<Address> read_own_address(const YamlPlace& place) {
    const auto address = place.address();
    if (!address) return address;
    return address->is_v4() ? read_unicast_v4(place, true) : read_unicast(place, true);
}

/// By default, those that the node's packets come from.
void read_addresses(const Reading& reading, const YamlPlace& map, ReflectorConfig& reflector) {
    const auto place = map.optional("addresses");
    if (!place) {
        if (!reading.config.source.is_unspecified()) reflector.addresses.push_back(reading.config.source);
        if (reading.config.source_v4) reflector.addresses.push_back(*reading.config.source_v4);
        return;
    }
    Seen seen;
    for (const auto& item : place->items(1, reading.limits.reflected)) {
        const auto address = read_own_address(item);
        if (address && seen.add(address->to_string(), item)) reflector.addresses.push_back(*address);
    }
}

void read_source_prefixes(const Reading& reading, const YamlPlace& place, ReflectorConfig& reflector) {
    Seen seen;
    for (const auto& item : place.items(1, reading.limits.domain)) {
        const auto prefix = item.prefix();
        if (prefix && seen.add(prefix->to_string(), item)) reflector.sources.push_back(*prefix);
    }
}

/// Whoever may be answered is named: there is no default.
void read_sources(const Reading& reading, const YamlPlace& map, ReflectorConfig& reflector) {
    const auto place = map.required("sources");
    if (!place) return;
    if (!place->is_scalar()) return read_source_prefixes(reading, *place, reflector);
    if (!place->choice({"sr-domain"})) return;
    reflector.sources = reading.config.domain;
    if (!reading.has_domain) place->complain("needs `sr-domain`, which has no prefixes");
}

ReflectorConfig read_reflector(const Reading& reading, const YamlPlace& place, std::uint16_t port) {
    ReflectorConfig reflector;
    reflector.port = port;
    read_addresses(reading, place, reflector);
    read_sources(reading, place, reflector);
    if (const auto rate = place.optional("rate"))
        reflector.rate = static_cast<unsigned>(rate->integer(1, reading.limits.reflected_rate).value_or(1));
    return reflector;
}

void read_port(const YamlPlace& place, ReflectorConfig& reflector) {
    const auto port = place.integer(1, kLastPort);
    if (!port) return;
    reflector.port = static_cast<std::uint16_t>(*port);
    if (*port < kLeastUserPort && *port != SS_PROBE_PORT) {
        place.complain(
            fmt::format("must be {}, or {} to {} (RFC 8762, 4.1)", SS_PROBE_PORT, kLeastUserPort, kLastPort));
    }
    for (const auto taken : {SS_BFD_PORT, SS_ECHO_PORT, SS_BFD_MULTIHOP_PORT, SS_SBFD_PORT}) {
        if (*port == taken) place.complain("is a port of BFD");
    }
}

}  // namespace

std::optional<std::uint32_t> read_discriminator(const YamlPlace& place) {
    if (!place.is_v4_address()) {
        const auto number = place.integer(1, UINT32_MAX);
        return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
    }
    const auto address = place.address();
    if (!address) return std::nullopt;
    std::uint32_t number = 0;
    for (std::size_t i = 12; i < address->bytes.size(); ++i) number = number << 8 | address->bytes.at(i);
    if (number != 0) return number;
    place.complain("must not be 0");
    return std::nullopt;
}

void read_stamp(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"addresses", "sources", "port", "rate", "mode", "timestamps"})) return;
    auto stamp = read_reflector(reading, place, SS_PROBE_PORT);
    if (const auto port = place.optional("port")) read_port(*port, stamp);
    if (const auto mode = place.optional("mode")) stamp.stateful = mode->choice({"stateless", "stateful"}) == 1U;
    if (const auto format = place.optional("timestamps")) stamp.ptp = format->choice({"ntp", "ptp"}) == 1U;
    reading.config.stamp = std::move(stamp);
}

void read_sbfd(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"discriminators", "addresses", "sources", "rate", "receive-interval", "admin-down"})) return;
    auto sbfd = read_reflector(reading, place, SS_SBFD_PORT);
    if (const auto list = place.required("discriminators")) {
        Seen seen;
        for (const auto& item : list->items(1, reading.limits.reflected)) {
            const auto number = read_discriminator(item);
            if (number && seen.add(std::to_string(*number), item)) sbfd.discriminators.push_back(*number);
        }
    }
    if (const auto receive = place.optional("receive-interval")) {
        const auto& limits = reading.limits;
        sbfd.receive_interval =
            receive->duration(limits.shortest_bfd, limits.longest_interval).value_or(sbfd.receive_interval);
    }
    if (const auto down = place.optional("admin-down")) sbfd.admin_down = down->boolean().value_or(false);
    reading.config.sbfd = std::move(sbfd);
}

}  // namespace sidestep::config_reader
