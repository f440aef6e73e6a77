// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the settings of the node itself: its name and addresses, its clock and its interfaces.
#include <algorithm>
#include <set>
#include <string>

#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {

void read_node(Reading& reading, const YamlPlace& place, bool by_v4_alone) {
    auto& config = reading.config;
    if (!place.expect_map({"name", "source-address", "source-address-ipv4"})) return;
    if (const auto name = place.required("name")) config.node = read_node_name(*name).value_or("");
    if (const auto source = by_v4_alone ? place.optional("source-address") : place.required("source-address")) {
        config.source = read_unicast(*source).value_or(Address{});
    }
    reading.has_source_v4 = place.has("source-address-ipv4");
    if (const auto source = place.optional("source-address-ipv4")) config.source_v4 = read_unicast_v4(*source);
}

void read_clock(Reading& reading, const YamlPlace& place) {
    const auto kind = place.choice(kClockNames);
    if (kind) reading.config.clock = static_cast<ClockKind>(*kind);
}

void read_mode(Reading& reading, const YamlPlace& place) {
    if (const auto mode = place.choice(kModeNames)) reading.config.mode = static_cast<Mode>(*mode);
}

void read_ipsec(Reading& reading, const YamlPlace& place) {
    const auto setting = place.choice(kIpsecNames);
    if (setting) reading.config.ipsec = static_cast<Ipsec>(*setting);
}

void read_netfilter(Reading& reading, const YamlPlace& place) {
    const auto setting = place.choice(kNetfilterNames);
    if (setting) reading.config.netfilter = static_cast<Netfilter>(*setting);
}

void read_device(Reading& reading, const YamlPlace& place) {
    auto& config = reading.config;
    reading.has_device = true;
    config.device = read_interface_name(place).value_or("");
    if (config.device == "lo")
        place.complain("'lo' cannot be the policy device: sidestepd creates a device of its own");
    const auto owner = std::ranges::find(config.adjacencies, config.device, &AdjacencyConfig::interface);
    if (config.device.empty() || owner == config.adjacencies.end()) return;
    place.complain(fmt::format("'{}' is the interface of adjacency '{}'; sidestepd creates the policy device itself",
                               config.device, owner->name));
}

void read_ingress(Reading& reading, const YamlPlace& place) {
    Seen seen;
    for (const auto& item : place.items()) {
        auto name = read_interface(reading, item);
        if (name && seen.add(*name, item)) reading.config.ingress.push_back(std::move(*name));
    }
}

void read_xdp(Reading& reading, const YamlPlace& place) {
    Seen seen;
    auto& config = reading.config;
    std::set<std::string> entered(config.ingress.begin(), config.ingress.end());
    for (const auto& adjacency : config.adjacencies) entered.insert(adjacency.interface);
    for (const auto& item : place.items()) {
        auto name = read_interface(reading, item);
        if (!name || !seen.add(*name, item)) continue;
        if (entered.contains(*name)) {
            config.xdp.push_back(std::move(*name));
        } else {
            item.complain(fmt::format("'{}' is neither listed under `ingress` nor an adjacency's interface", *name));
        }
    }
}

std::optional<std::string> read_interface(const Reading& reading, const YamlPlace& place) {
    auto name = read_interface_name(place);
    if (!name || !reading.exists || reading.exists(*name)) return name;
    auto reason = fmt::format("no interface '{}' on this machine", *name);
    if (reading.absent == AbsentInterface::warning) {
        place.warn(std::move(reason));
    } else {
        place.complain(std::move(reason));
    }
    return name;
}

}  // namespace sidestep::config_reader
