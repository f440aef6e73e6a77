// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads the JSON of ip(8) and tc(8). A field that is missing or of another type is as good as absent.
#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "doctor/look.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

constexpr std::string_view kOurs = "ss_";  // the names of our programs begin so

std::string text(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

unsigned number(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<unsigned>() : 0;
}

bool flag(const json& object, const char* list, std::string_view wanted) {
    const auto found = object.find(list);
    return found != object.end() && found->is_array() &&
           std::find(found->begin(), found->end(), json(wanted)) != found->end();
}

/// IPv4 lengths count in the 128-bit form.
std::uint8_t length_of(const Address& address, unsigned length) {
    return static_cast<std::uint8_t>(std::min(128U, address.is_v4() ? length + 96 : length));
}

SeenInterface interface_of(const json& link) {
    SeenInterface seen{.name = text(link, "ifname"),
                       .up = flag(link, "flags", "UP"),
                       .carrier = flag(link, "flags", "LOWER_UP"),
                       .loopback = flag(link, "flags", "LOOPBACK"),
                       .sends_broadcast = flag(link, "flags", "BROADCAST"),
                       .mac = text(link, "address"),
                       .master = text(link, "master"),
                       .mtu = number(link, "mtu")};
    if (link.contains("linkinfo")) seen.kind = text(link["linkinfo"], "info_kind");
    if (link.contains("xdp") && link["xdp"].contains("prog")) {
        const auto& program = link["xdp"]["prog"];
        const auto name = text(program, "name");
        if (!name.starts_with(kOurs)) seen.xdp = name.empty() ? fmt::format("id {}", number(program, "id")) : name;
    }
    if (!link.contains("addr_info")) return seen;
    for (const auto& entry : link["addr_info"]) {
        const auto address = Address::parse(text(entry, "local"));
        if (!address) continue;
        seen.addresses.push_back({.address = *address,
                                  .length = length_of(*address, number(entry, "prefixlen")),
                                  .link_local = address->is_link_local(),
                                  .tentative = entry.contains("tentative"),
                                  .duplicate = entry.contains("dadfailed")});
    }
    return seen;
}

std::optional<Prefix> prefix_of(const std::string& text, bool v4) {
    if (text == "default") return Prefix::parse(v4 ? "0.0.0.0/0" : "::/0");
    return Prefix::parse(text);
}

struct SeenHop {
    std::string interface;
    std::optional<Address> gateway;
};

/// One or several, also those of nexthop objects.
std::vector<SeenHop> hops_of(const json& route) {
    const auto read = [](const json& hop) {
        return SeenHop{.interface = text(hop, "dev"), .gateway = Address::parse(text(hop, "gateway"))};
    };
    const auto several = route.find("nexthops");
    if (several == route.end() || !several->is_array() || several->empty()) return {read(route)};
    std::vector<SeenHop> hops;
    for (const auto& hop : *several) hops.push_back(read(hop));
    return hops;
}

}  // namespace

void read_interfaces(const json& ip_address, Machine& machine) {
    if (!ip_address.is_array()) return;
    for (const auto& link : ip_address) {
        auto seen = interface_of(link);
        if (!seen.name.empty()) machine.interfaces[seen.name] = std::move(seen);
    }
}

void read_neighbors(const json& ip_neighbor, Machine& machine) {
    if (!ip_neighbor.is_array()) return;
    for (const auto& entry : ip_neighbor) {
        const auto address = Address::parse(text(entry, "dst"));
        const auto states = entry.find("state");
        if (!address || states == entry.end() || !states->is_array() || states->empty()) continue;
        machine.neighbors.push_back({.interface = text(entry, "dev"),
                                     .address = *address,
                                     .state = states->front().is_string() ? states->front().get<std::string>() : "",
                                     .router = entry.contains("router"),
                                     .mac = text(entry, "lladdr")});
    }
}

std::vector<SeenRoute> read_routes(const json& ip_route) {
    std::vector<SeenRoute> routes;
    if (!ip_route.is_array()) return routes;
    for (const auto& entry : ip_route) {
        const auto hops = hops_of(entry);
        const auto& gateway = hops.front().gateway;
        const bool v4 = gateway ? gateway->is_v4() : text(entry, "dst").find(':') == std::string::npos;
        const auto prefix = prefix_of(text(entry, "dst"), v4);
        if (!prefix) continue;
        for (std::size_t i = 0; i < hops.size(); ++i) {
            SeenRoute route{.prefix = *prefix,
                            .gateway = hops[i].gateway,
                            .interface = hops[i].interface,
                            .protocol = text(entry, "protocol"),
                            .type = text(entry, "type"),
                            .encap = text(entry, "encap"),
                            .action = text(entry, "action")};
            for (std::size_t other = 0; other < hops.size(); ++other) {
                if (other != i) route.others.push_back(hops[other].interface);
            }
            routes.push_back(std::move(route));
        }
    }
    return routes;
}

bool has_rules(const json& ip_rule) {
    constexpr std::array<unsigned, 3> kOfTheKernel{0, 32766, 32767};  // local, main and default
    return ip_rule.is_array() && std::ranges::any_of(ip_rule, [&](const json& rule) {
               return std::ranges::find(kOfTheKernel, number(rule, "priority")) == kOfTheKernel.end();
           });
}

std::vector<std::string> read_filters(const json& tc_filter) {
    std::vector<std::string> names;
    if (!tc_filter.is_array()) return names;
    for (const auto& entry : tc_filter) {
        const auto options = entry.find("options");
        if (options == entry.end() || !options->is_object()) continue;  // the head of a chain
        const auto name = text(*options, "bpf_name");
        if (name.starts_with(kOurs)) continue;
        names.push_back(fmt::format("{} pref {}", name.empty() ? text(entry, "kind") : name, number(entry, "pref")));
    }
    return names;
}

}  // namespace sidestep
