// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/look.hpp"

#include <sys/utsname.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "routing/io/command.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::size_t kMostLookups = 1000;

/// What a program prints as JSON; null if it fails.
json ask(const std::vector<std::string>& command) {
    const auto output = routing::run_command(command, kPatience);
    if (!output || output->exit_code != 0) return nullptr;
    return json::parse(output->out, nullptr, false);
}

void read_sysctl(const std::string& name, Machine& machine) {
    std::string path = "/proc/sys/";
    for (const char c : name) path += c == '.' ? '/' : c;
    std::ifstream file(path);
    std::string value;
    if (file >> value) machine.sysctls[name] = value;
}

/// An interface's name may have dots, so its path is not made from a name with dots.
void read_interface_sysctl(const std::string& family, const std::string& interface, const std::string& key,
                           Machine& machine) {
    std::ifstream file(fmt::format("/proc/sys/net/{}/conf/{}/{}", family, interface, key));
    std::string value;
    if (file >> value) machine.sysctls[fmt::format("net.{}.conf.{}.{}", family, interface, key)] = value;
}

void read_sysctls(Machine& machine) {
    for (const auto* name : {"net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.seg6_enabled", "net.ipv4.ip_forward",
                             "net.ipv4.conf.all.rp_filter", "net.ipv6.neigh.default.gc_thresh3"})
        read_sysctl(name, machine);
    for (const auto& [name, interface] : machine.interfaces) {
        read_interface_sysctl("ipv6", name, "disable_ipv6", machine);
        read_interface_sysctl("ipv4", name, "rp_filter", machine);
    }
}

void read_lookups(const std::vector<Address>& destinations, Machine& machine) {
    for (const auto& destination : destinations) {
        if (machine.lookups.size() >= kMostLookups) return;
        const auto text = destination.to_string();
        const auto routes =
            read_routes(ask({"ip", "-j", destination.is_v4() ? "-4" : "-6", "route", "get", "fibmatch", text}));
        if (!routes.empty()) machine.lookups[text] = routes.front();
    }
}

}  // namespace

Machine look(const std::vector<Address>& destinations) {
    Machine machine;
    machine.privileged = ::geteuid() == 0;
    utsname system{};
    if (::uname(&system) == 0) {
        machine.kernel = static_cast<const char*>(system.release);
        machine.hostname = static_cast<const char*>(system.nodename);
    }
    const auto links = ask({"ip", "-j", "-d", "address", "show"});
    machine.looked = links.is_array();
    read_interfaces(links, machine);
    read_neighbors(ask({"ip", "-j", "neighbor", "show"}), machine);
    machine.routes = look_at_routes();
    machine.rules =
        has_rules(ask({"ip", "-j", "-4", "rule", "show"})) || has_rules(ask({"ip", "-j", "-6", "rule", "show"}));
    read_sysctls(machine);
    for (auto& [name, interface] : machine.interfaces)
        interface.filters = read_filters(ask({"tc", "-j", "filter", "show", "dev", name, "ingress"}));
    read_lookups(destinations, machine);
    return machine;
}

std::vector<SeenRoute> look_at_routes() {
    std::vector<SeenRoute> all;
    for (const auto* family : {"-6", "-4"}) {
        const auto routes = read_routes(ask({"ip", "-j", family, "route", "show"}));
        all.insert(all.end(), routes.begin(), routes.end());
    }
    return all;
}

std::vector<Address> destinations_of(const Config& config) {
    std::vector<Address> result;
    for (const auto& sid : config.sids) result.push_back(sid.sid.address);
    for (const auto& policy : config.policies) {
        for (const auto& prefix : policy.prefixes) result.push_back(prefix.address);
    }
    return result;
}

}  // namespace sidestep
