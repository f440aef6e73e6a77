// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/lists.hpp"

#include <algorithm>

namespace sidestep {

const AdjacencyConfig* adjacency_of(const Config& config, const std::string& name) {
    const auto found = std::ranges::find(config.adjacencies, name, &AdjacencyConfig::name);
    return found == config.adjacencies.end() ? nullptr : &*found;
}

bool needs_ipv6(const Config& config, const std::string& interface) {
    const auto is_v4 = [](const AdjacencyConfig& adjacency) { return adjacency.neighbor.is_v4(); };
    const auto is_here = [&](const AdjacencyConfig& adjacency) { return adjacency.interface == interface; };
    if (std::ranges::any_of(config.adjacencies, is_here))
        return std::ranges::any_of(config.adjacencies, [&](const AdjacencyConfig& adjacency) {
            return is_here(adjacency) && !is_v4(adjacency);
        });
    return !std::ranges::all_of(config.adjacencies, is_v4);
}

bool can_carry(const Machine& machine, const AdjacencyConfig& adjacency) {
    const auto* seen = machine.interface(adjacency.interface);
    return seen != nullptr && seen->up && seen->carrier && (adjacency.neighbor.is_v4() || seen->mtu >= kLeastMtu) &&
           !machine.is_bridge_port(*seen);
}

bool answers(const Case& node, const AdjacencyConfig& adjacency) {
    if (!can_carry(node.machine, adjacency)) return false;
    if (!node.daemon.running) return true;
    const auto session = node.daemon.session(adjacency.name);
    const auto state = session.is_object() ? session.value("state", "") : "";
    return state == "up" || state == "degraded";
}

std::optional<unsigned> room_of(const nlohmann::json& list) {
    const auto room = list.value("largest_packet", nlohmann::json());
    return room.is_number_integer() ? std::optional(room.get<unsigned>()) : std::nullopt;
}

bool is_silent(const nlohmann::json& session) {
    if (!session.is_object()) return false;
    const auto state = session.value("state", "");
    const auto reason = session.value("reason", "");
    return state == "init" || (state == "down" && (reason == "unanswered" || reason == "unproven"));
}

unsigned largest_ingress(const Case& node, const std::set<std::string>& but) {
    unsigned largest = 0;
    const auto look = [&](const std::string& name) {
        const auto* seen = node.machine.interface(name);
        if (seen != nullptr && !but.contains(name)) largest = std::max(largest, seen->mtu);
    };
    for (const auto& name : node.config->ingress) look(name);
    for (const auto& adjacency : node.config->adjacencies) look(adjacency.interface);
    return largest;
}

}  // namespace sidestep
