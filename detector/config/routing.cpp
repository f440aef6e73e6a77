// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads where policies, bypasses and SIDs are computed from, and how.
#include <array>
#include <filesystem>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

constexpr const char* kVtysh = "vtysh";

/// `isis: true` takes the defaults, and a map changes them.
void read_isis(const YamlPlace& place, RoutingConfig& routing) {
    routing.vtysh = kVtysh;
    if (place.is_scalar()) {
        if (place.boolean() == false) place.complain("must be true or a map; leave it out otherwise");
        return;
    }
    if (!place.expect_map({"vtysh", "vty-directory", "level", "area"})) return;
    if (const auto vtysh = place.optional("vtysh")) routing.vtysh = vtysh->text().value_or(kVtysh);
    if (const auto directory = place.optional("vty-directory")) {
        routing.vty_directory = directory->text().value_or("");
    }
    if (const auto level = place.optional("level"))
        routing.isis_level = static_cast<int>(level->integer(1, 2, "").value_or(routing.isis_level));
    if (const auto area = place.optional("area")) routing.isis_area = area->text().value_or("");
}

/// The daemon waits for it, so that it may come later; and the configuration may be for another machine.
void check_topology(const Reading& reading, const YamlPlace& place, const std::string& name) {
    const auto path = std::filesystem::path(reading.file).parent_path() / name;
    std::error_code error;
    if (name.empty() || std::filesystem::is_regular_file(path, error)) return;
    place.warn(
        fmt::format("there is no file {} on this machine: no policies are computed until there is", path.string()));
}

void read_source(const Reading& reading, const YamlPlace& place, RoutingConfig& routing) {
    const auto topology = place.optional("topology");
    const auto isis = place.optional("isis");
    if (!topology && !isis) place.complain("needs a source: topology or isis");
    if (topology && isis) isis->complain("topology is given too; there can be one source only");
    if (topology) {
        routing.topology = topology->text().value_or("");
        check_topology(reading, *topology, routing.topology);
    }
    if (isis) read_isis(*isis, routing);
}

void read_repairs(const Reading& reading, const YamlPlace& place, RoutingConfig& routing) {
    if (const auto protect = place.optional("protect")) {
        const auto kind = protect->choice(kProtectNames);
        if (kind) routing.protect = kProtectNames.at(*kind);
    }
    if (const auto encap = place.optional("encap")) {
        const auto kind =
            encap->choice(std::span(kEncapNames).subspan(1));  // repairs without segments are plain in any case
        if (kind) routing.encap = static_cast<Encap>(*kind + 1);
    }
    if (const auto most = place.optional("max-segments")) {
        const auto value = most->integer(1, static_cast<std::int64_t>(reading.limits.segments), "segments");
        if (value) routing.max_segments = static_cast<unsigned>(*value);
    }
    if (const auto compress = place.optional("next-csid")) routing.next_csid = compress->boolean().value_or(false);
}

}  // namespace

void read_routing(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map(
            {"topology", "isis", "node", "protect", "encap", "max-segments", "next-csid", "hold", "install-sids"})) {
        return;
    }
    RoutingConfig routing;
    read_source(reading, place, routing);
    if (!routing.topology.empty()) routing.node = reading.config.node;
    if (const auto node = place.optional("node")) routing.node = node->text().value_or("");
    read_repairs(reading, place, routing);
    if (const auto hold = place.optional("hold")) {
        routing.hold = hold->duration(Nanoseconds(0), reading.limits.longest_hold).value_or(routing.hold);
    }
    if (const auto install = place.optional("install-sids")) {
        routing.install_sids = install->boolean().value_or(true);
    }
    reading.config.routing = std::move(routing);
}

}  // namespace sidestep::config_reader
