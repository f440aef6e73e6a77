// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads a node's configuration: fetches its text and reads its sections in order.
#include "detector/config/config_file.hpp"

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "common/fd.hpp"
#include "detector/config/reader.hpp"

namespace sidestep {
namespace {

using namespace config_reader;

using Section = void (*)(Reading&, const YamlPlace&);

/// True if all adjacencies have a neighbor that is known by IPv4. What is wrong with them is said later.
bool by_v4_alone(const YamlPlace& root) {
    const auto adjacencies = root.optional("adjacencies");
    if (!adjacencies || adjacencies->is_scalar()) return false;
    const auto items = adjacencies->items();
    return !items.empty() && std::ranges::all_of(items, [](const YamlPlace& item) {
        const auto neighbor = item.optional("neighbor");
        return neighbor && neighbor->is_v4_address();
    });
}

/// Reads each section after those that it refers to, wherever they are in the file.
void read_sections(Reading& reading, const YamlPlace& root) {
    const auto read = [&](const char* key, Section section) {
        if (const auto place = root.optional(key)) section(reading, *place);
    };
    if (const auto node = root.required("node"))
        read_node(reading, *node, !node->is_scalar() && !node->has("source-address") && by_v4_alone(root));
    read("clock", read_clock);
    read("mode", read_mode);
    read("probe", read_probe_defaults);
    if (const auto adjacencies = root.required("adjacencies")) read_adjacencies(reading, *adjacencies);
    read("paths", read_paths);
    read("passives", read_passives);
    read_bypasses(reading);
    read("device", read_device);
    read("policies", read_policies);
    read("ingress", read_ingress);
    read("xdp", read_xdp);
    if (const auto veth = root.optional("xdp-on-virtual"))
        reading.config.xdp_on_virtual = veth->boolean().value_or(false);
    if (const auto egress = root.optional("egress")) reading.config.egress = egress->boolean().value_or(true);
    if (const auto verify = root.optional("verify")) reading.config.verify = verify->boolean().value_or(true);
    read("ipsec", read_ipsec);
    read("netfilter", read_netfilter);
    read("sr-domain", read_domain);
    read("sids", read_sids);
    read("stamp", read_stamp);
    read("sbfd", read_sbfd);
    read("routing", read_routing);
    read("hooks", read_hooks);
    read("bfd", read_bfd);
}

/// Keys that had other names before the first release; sidestep.yaml(5) lists them under COMPATIBILITY.
constexpr std::array<RenamedKey, 1> kRenamedKeys{{{.old = "sink", .current = "return-address"}}};

Config read_root(const YamlPlace& root, Reading reading) {
    if (root.expect_map({"node",      "clock",   "mode",      "probe",          "adjacencies", "paths",  "passives",
                         "policies",  "ingress", "xdp",       "xdp-on-virtual", "egress",      "verify", "ipsec",
                         "netfilter", "device",  "sr-domain", "sids",           "routing",     "hooks",  "bfd",
                         "stamp",     "sbfd"})) {
        read_sections(reading, root);
    }
    reading.config.probe_defaults = reading.defaults;
    return std::move(reading.config);
}

}  // namespace

std::optional<Config> read_config(const std::string& text, Complaints& complaints, const InterfaceExists& exists,
                                  const ConfigLimits& limits, AbsentInterface absent) {
    if (configures_nothing(text)) {
        complaints.list.push_back({.file = complaints.file,
                                   .line = 0,
                                   .column = 0,
                                   .field = "",
                                   .reason =
                                       "configures nothing yet: `sidestep init` prints a first configuration, made "
                                       "from this machine's interfaces, neighbors and routes"});
        return std::nullopt;
    }
    Config config;
    const auto read = [&](const YamlPlace& root) {
        config = read_root(root, {.exists = exists, .limits = limits, .absent = absent, .file = complaints.file});
    };
    read_yaml(text, complaints, read, kRenamedKeys);
    if (!complaints.empty()) return std::nullopt;
    return config;
}

bool configures_nothing(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        const auto first = line.find_first_not_of(" \t\r");
        if (first != std::string_view::npos && line[first] != '#') return false;
        at = end + 1;
    }
    return true;
}

std::optional<std::string> read_text(const std::string& path, Complaints& complaints,
                                     Result<std::string> (*read)(const std::string&, std::size_t)) {
    complaints.file = path;
    auto text = read(path, kLargestFile);
    if (text) return std::move(*text);
    auto reason = text.error().message;
    if (const auto named = path + ": "; reason.starts_with(named)) reason.erase(0, named.size());
    complaints.list.push_back({.file = path, .line = 0, .column = 0, .field = "", .reason = std::move(reason)});
    return std::nullopt;
}

void resolve_paths(Config& config, const std::string& path) {
    if (!config.routing || config.routing->topology.empty()) return;
    auto& topology = config.routing->topology;
    topology = (std::filesystem::path(path).parent_path() / topology).string();  // an absolute path stays as it is
}

std::optional<Config> read_config_file(const std::string& path, Complaints& complaints, const InterfaceExists& exists,
                                       const ConfigLimits& limits) {
    const auto text = read_text(path, complaints);
    auto config = text ? read_config(*text, complaints, exists, limits) : std::nullopt;
    if (config) resolve_paths(*config, path);
    return config;
}

bool interface_exists(const std::string& name) {
    return if_nametoindex(name.c_str()) != 0;
}

bool carries_ethernet(const std::string& name) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return true;
    return request.ifr_hwaddr.sa_family == ARPHRD_ETHER || request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
}

}  // namespace sidestep
