// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/machine.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace sidestep {

bool SeenRoute::uses(const std::string& name) const {
    return interface == name || std::ranges::find(others, name) != others.end();
}

const SeenInterface* Machine::interface(const std::string& name) const {
    const auto found = interfaces.find(name);
    return found == interfaces.end() ? nullptr : &found->second;
}

std::optional<long> Machine::sysctl(const std::string& name) const {
    const auto found = sysctls.find(name);
    if (found == sysctls.end()) return std::nullopt;
    const auto& text = found->second;
    long value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::vector<std::string> Machine::holders(const Address& address) const {
    std::vector<std::string> result;
    for (const auto& [name, interface] : interfaces) {
        if (std::ranges::any_of(interface.addresses,
                                [&](const SeenAddress& seen) { return seen.address == address && seen.usable(); }))
            result.push_back(name);
    }
    return result;
}

std::string Machine::unusable(const Address& address) const {
    for (const auto& [name, interface] : interfaces) {
        for (const auto& seen : interface.addresses) {
            if (seen.address != address || seen.usable()) continue;
            return seen.duplicate
                       ? fmt::format("another node on {} has it, too (dadfailed)", name)
                       : fmt::format("the kernel still looks for another node on {} that has it (tentative)", name);
        }
    }
    return {};
}

bool Machine::is_bridge_port(const SeenInterface& seen) const {
    const auto* master = seen.master.empty() ? nullptr : interface(seen.master);
    return master != nullptr && master->kind == "bridge";
}

const SeenRoute* Machine::lookup(const Address& destination) const {
    const auto found = lookups.find(destination.to_string());
    return found == lookups.end() ? nullptr : &found->second;
}

nlohmann::json DaemonView::session(const std::string& name) const {
    if (!sessions.is_object()) return nullptr;
    for (const auto& session : sessions.value("sessions", nlohmann::json::array())) {
        if (session.value("name", "") == name) return session;
    }
    return nullptr;
}

nlohmann::json DaemonView::problems() const {
    if (!running || !status.is_object()) return nlohmann::json::array();
    return status.value("problems", nlohmann::json::array());
}

}  // namespace sidestep
