// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/machine.hpp"

#include <algorithm>
#include <charconv>

namespace sidestep {

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
        if (std::ranges::find(interface.addresses, address, &SeenAddress::address) != interface.addresses.end())
            result.push_back(name);
    }
    return result;
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
