// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Routes, SIDs, sizes.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/last_address.hpp"
#include "detector/core/encap_overhead.hpp"
#include "doctor/checks.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

/// ::/0 need not have a route of its own.
bool has_routes_inside(const Machine& machine, const Prefix& prefix) {
    return std::ranges::any_of(machine.routes, [&](const SeenRoute& route) { return prefix.contains(route.prefix); });
}

constexpr std::string_view kRouteTo = "route to ";

bool is_installed(const SidConfig& sid) {
    return sid.install && (sid.behavior == SidBehavior::end || sid.behavior == SidBehavior::end_x);
}

/// The daemon has looked it up itself, and has something to say: check_routes().
bool daemon_says(const Case& node, const Prefix& prefix) {
    const auto about = std::string(kRouteTo) + prefix.to_string();
    return std::ranges::any_of(node.daemon.problems(),
                               [&](const auto& problem) { return problem.value("about", "") == about; });
}

std::string describe(const SeenRoute& route) {
    std::string text = route.prefix.to_string();
    if (!route.type.empty()) text = route.type + ' ' + text;
    if (!route.encap.empty()) text += fmt::format(" encap {} {}", route.encap, route.action);
    if (route.gateway) text += " via " + route.gateway->to_string();
    if (!route.interface.empty()) text += " dev " + route.interface;
    if (!route.protocol.empty()) text += " proto " + route.protocol;
    return text;
}

}  // namespace

Findings check_plain_candidates(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& policy : node.config->policies) {
        if (policy.steering != Steering::transit || policy.candidates.empty()) continue;
        const auto& first = policy.candidates.front().lists.front();
        const auto* adjacency = adjacency_of(*node.config, first.adjacency);
        if (first.encap != Encap::plain || adjacency == nullptr) continue;
        for (const auto& prefix : policy.prefixes) {
            const auto* route = node.machine.lookup(prefix.address);
            // With its interface down, a route is gone, and that is said elsewhere.
            if (route == nullptr && !can_carry(node.machine, *adjacency)) continue;
            if (route == nullptr && has_routes_inside(node.machine, prefix)) continue;
            if (route == nullptr) {
                // Which table packets look into may depend on where they come from.
                findings.push_back(
                    {node.machine.rules ? Severity::note : Severity::error, "policy " + policy.name,
                     fmt::format("there is no route to {}: without failures its packets are dropped{}",
                                 prefix.to_string(),
                                 node.machine.rules ? ", unless a rule leads them to a table with one" : ""),
                     fmt::format("{}ip route get {}", node.machine.rules ? "ip rule; " : "",
                                 prefix.address.to_string())});
            } else if (route->type.empty() && !route->interface.empty() && !route->uses(adjacency->interface)) {
                findings.push_back({node.machine.rules ? Severity::note : Severity::warning, "policy " + policy.name,
                                    fmt::format("{} is routed by {}, but its plain candidate names {}, which is {}: "
                                                "while that is down, packets take the backup for no reason, and "
                                                "while {} is down, they do not",
                                                prefix.to_string(), route->interface, adjacency->name,
                                                adjacency->interface, route->interface),
                                    fmt::format("ip route get {}", prefix.address.to_string())});
            }
        }
    }
    return findings;
}

Findings check_sids(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked || !node.daemon.running) return findings;
    for (const auto& sid : node.config->sids) {
        if (!is_installed(sid) || daemon_says(node, sid.sid)) continue;
        const auto* route = node.machine.lookup(sid.sid.address);
        if (route != nullptr && route->encap == "seg6local") continue;
        findings.push_back(
            {Severity::error, "sid " + sid.sid.to_string(),
             route == nullptr
                 ? "has no route in the kernel: while nothing is down, packets to it are lost"
                 : fmt::format("is shadowed by the route {}: while nothing is down, packets to it go there",
                               describe(*route)),
             fmt::format("ip -6 route get fibmatch {}", sid.sid.address.to_string())});
    }
    return findings;
}

Findings check_sid_addresses(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked || node.daemon.running) return findings;
    for (const auto& sid : node.config->sids) {
        if (!is_installed(sid)) continue;
        for (const auto& [name, interface] : node.machine.interfaces) {
            for (const auto& held : interface.addresses) {
                const bool anycast =
                    held.length < 127 && Prefix::covering(held.address, held.length).address == sid.sid.address;
                if (!anycast) continue;
                findings.push_back(
                    {Severity::error, "sid " + sid.sid.to_string(),
                     fmt::format("{} is the subnet-router anycast address of {}/{} on {}: a node that forwards keeps "
                                 "packets to it",
                                 sid.sid.address.to_string(), held.address.to_string(), held.length, name),
                     fmt::format("ip -6 address del {0}/{1} dev {2} && ip -6 address add {0}/128 dev {2}",
                                 held.address.to_string(), held.length, name)});
            }
        }
    }
    return findings;
}

Findings check_routes(const Case& node) {
    Findings findings;
    for (const auto& problem : node.daemon.problems()) {
        const auto about = problem.value("about", "");
        if (!about.starts_with(kRouteTo)) continue;
        const auto prefix = Prefix::parse(about.substr(kRouteTo.size()));
        const auto text = problem.value("problem", "");
        // With IS-IS of FRR 8.4, the locator is announced by such an address, and our programs see the SID before the route.
        const bool wanted = text.find("anycast") != std::string::npos && node.config && node.config->routing &&
                            node.config->routing->topology.empty();
        findings.push_back({wanted ? Severity::note : Severity::error, about, text,
                            prefix ? fmt::format("ip {}route get fibmatch {}", prefix->address.is_v4() ? "" : "-6 ",
                                                 last_host(*prefix).value_or(prefix->address).to_string())
                                   : "sidestep status"});
    }
    return findings;
}

Findings check_merging(const Case& node) {
    Findings findings;
    for (const auto& problem : node.daemon.problems()) {
        const auto about = problem.value("about", "");
        if (!about.starts_with("flow ") && !about.starts_with("merging SID ")) continue;
        findings.push_back({Severity::error, about, problem.value("problem", ""), "sidestep policies"});
    }
    return findings;
}

namespace {

/// What a copy finds on its way out.
struct CopyRoom {
    std::string interface;
    unsigned mtu = 0;
    unsigned overhead = 0;

    [[nodiscard]] unsigned packet() const { return mtu - std::min(mtu, overhead); }
};

/// Of the lists of a hitless candidate whose interfaces are there.
std::vector<CopyRoom> rooms_of(const Case& node, const CandidateConfig& candidate) {
    std::vector<CopyRoom> rooms;
    for (const auto& list : candidate.lists) {
        const auto* adjacency = adjacency_of(*node.config, list.adjacency);
        const auto* seen = adjacency == nullptr ? nullptr : node.machine.interface(adjacency->interface);
        if (seen == nullptr) continue;
        const auto mtu = list.mtu == 0 ? seen->mtu : std::min(seen->mtu, list.mtu);
        rooms.push_back({.interface = adjacency->interface, .mtu = mtu, .overhead = overhead_at_most(list)});
    }
    return rooms;
}

/// Every packet of a hitless policy has to fit by all its lists, always, and not only during a repair.
void check_copies(const Case& node, const PolicyConfig& policy, Findings& findings) {
    if (policy.flow == 0 || policy.candidates.empty()) return;
    const auto rooms = rooms_of(node, policy.candidates.front());
    if (rooms.empty()) return;
    std::set<std::string> exits;
    for (const auto& room : rooms) exits.insert(room.interface);
    const auto largest = largest_ingress(node, exits);
    const auto least = std::ranges::min(rooms, {}, &CopyRoom::packet).packet();
    if (least >= largest) return;
    std::string takes;
    std::string commands;
    for (const auto& room : rooms) {
        takes +=
            fmt::format("{}{} (MTU {}) takes {}", takes.empty() ? "" : ", ", room.interface, room.mtu, room.packet());
        if (room.packet() >= largest) continue;
        commands += fmt::format("{}ip link set dev {} mtu {}", commands.empty() ? "" : " && ", room.interface,
                                largest + room.overhead);
    }
    findings.push_back(
        {Severity::warning, "policy " + policy.name,
         fmt::format("its packets above {} bytes are always dropped, and their senders told, because a copy "
                     "has to fit by every list: {}; links behind them count too",
                     least, takes),
         commands});
}

}  // namespace

Findings check_mtu(const Case& node) {
    Findings findings;
    std::map<std::string, Finding> worst;  // one for each owner and interface
    if (!node.config || !node.machine.looked) return {};
    for (const auto& policy : node.config->policies) check_copies(node, policy, findings);
    for_each_list(*node.config, [&](const std::string& owner, const SegmentListConfig& list,
                                    const PolicyConfig* policy) {
        const auto* adjacency = adjacency_of(*node.config, list.adjacency);
        const auto* seen = adjacency == nullptr ? nullptr : node.machine.interface(adjacency->interface);
        const auto overhead = overhead_at_most(list);
        if (seen == nullptr || seen->mtu < kLeastMtu || overhead == 0 || (policy != nullptr && policy->flow != 0))
            return;
        const auto largest = largest_ingress(node, {adjacency->interface});
        if (largest == 0 || seen->mtu >= largest + overhead) return;
        worst[owner + adjacency->interface] = {
            Severity::note, owner,
            fmt::format("packets above {} bytes do not fit into {} (MTU {}) with the {} bytes of its backup: they are "
                        "dropped during a repair, and their senders told; links behind it count too",
                        seen->mtu - std::min(seen->mtu, overhead), adjacency->interface, seen->mtu, overhead),
            fmt::format(
                "at both ends of each link of the backup, or large packets are lost silently: ip link set dev {} "
                "mtu {}",
                adjacency->interface, largest + overhead)};
        if (seen->mtu < kLeastMtu + overhead) worst[owner + adjacency->interface].severity = Severity::warning;
    });
    for (auto& [key, finding] : worst) findings.push_back(std::move(finding));
    return findings;
}

namespace {

/// By adjacency, the least room of the lists that routing has computed over it; the daemon knows.
std::map<std::string, unsigned> computed_room(const DaemonView& daemon) {
    std::map<std::string, unsigned> least;
    for_each_answered_list(daemon, [&](const nlohmann::json& policy, const nlohmann::json& list) {
        const auto room = room_of(list);
        if (!room || !policy.value("computed", false) || list.value("segments", nlohmann::json::array()).empty())
            return;
        const auto [entry, fresh] = least.emplace(list.value("adjacency", ""), *room);
        if (!fresh) entry->second = std::min(entry->second, *room);
    });
    return least;
}

}  // namespace

Findings check_computed_mtu(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& [name, room] : computed_room(node.daemon)) {
        const auto* adjacency = adjacency_of(*node.config, name);
        const auto largest = adjacency == nullptr ? 0 : largest_ingress(node, {adjacency->interface});
        if (room >= largest) continue;
        findings.push_back(
            {room < kLeastMtu ? Severity::warning : Severity::note, "session " + name,
             fmt::format("computed repairs over it take packets of {} bytes at most, and {} may come in: larger ones "
                         "are dropped during a repair, and their senders told",
                         room, largest),
             "at both ends of each link of the repairs, or large packets are lost silently: ip link set dev "
             "INTERFACE mtu MTU"});
    }
    return findings;
}

namespace {

/// Of probes by IPv4: a router that sends a packet back to the subnet that it is from tells its sender (RFC 1812, 5.2.7.2).
void add_source_v4(const Case& node, const Address& source, Findings& findings) {
    for (const auto& adjacency : node.config->adjacencies) {
        if (!adjacency.neighbor.is_v4() || adjacency.bfd) continue;
        const auto* seen = node.machine.interface(adjacency.interface);
        if (seen == nullptr) continue;
        const auto shared = std::ranges::find_if(seen->addresses, [&](const SeenAddress& held) {
            return held.address.is_v4() && Prefix::covering(held.address, held.length).contains(source);
        });
        if (shared == seen->addresses.end()) continue;
        findings.push_back(
            {Severity::warning, "session " + adjacency.name,
             fmt::format("source-address-ipv4 {} is in the subnet of {}: the neighbor tells of a better way for each "
                         "probe (ICMP redirect), and may not send it back; take an address of lo",
                         source.to_string(), adjacency.interface),
             fmt::format("ip -4 address show dev {}", adjacency.interface)});
    }
}

}  // namespace

Findings check_addresses(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    if (!node.config->source.is_unspecified() && node.machine.holders(node.config->source).empty()) {
        findings.push_back({Severity::warning, "node " + node.config->node,
                            fmt::format("source-address {} is no address of this node: errors about repaired packets "
                                        "do not reach it, and routers may drop what it sends",
                                        node.config->source.to_string()),
                            fmt::format("unless it is another node's: ip -6 address add {}/128 dev lo",
                                        node.config->source.to_string())});
    }
    if (const auto& source = node.config->source_v4) add_source_v4(node, *source, findings);
    return findings;
}

}  // namespace sidestep
