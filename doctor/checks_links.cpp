// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From the interface to the answer of a probe.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/checks.hpp"
#include "doctor/lists.hpp"

namespace sidestep {
namespace {

std::set<std::string> ingress_of(const Config& config) {
    std::set<std::string> names(config.ingress.begin(), config.ingress.end());
    for (const auto& adjacency : config.adjacencies) names.insert(adjacency.interface);
    return names;
}

constexpr std::string_view kOurLinks = "ss-";

const SeenNeighbor* neighbor_at(const Machine& machine, const std::string& interface, const Address& address) {
    const auto found = std::ranges::find_if(machine.neighbors, [&](const SeenNeighbor& seen) {
        return seen.interface == interface && seen.address == address;
    });
    return found == machine.neighbors.end() ? nullptr : &*found;
}

/// Other interfaces behind which the address is resolved.
std::vector<std::string> elsewhere(const Machine& machine, const std::string& interface, const Address& address) {
    std::vector<std::string> names;
    for (const auto& seen : machine.neighbors) {
        if (seen.interface != interface && seen.address == address && seen.resolved()) names.push_back(seen.interface);
    }
    return names;
}

/// "ip -4 address", "ip -6 neighbor"...
std::string ip_of(const Address& address, std::string_view what) {
    return fmt::format("ip {} {}", address.is_v4() ? "-4" : "-6", what);
}

std::string ping_of(const AdjacencyConfig& adjacency) {
    if (adjacency.neighbor.is_v4())
        return fmt::format("ping -c 3 -I {} {}", adjacency.interface, adjacency.neighbor.to_string());
    return fmt::format("ping -c 3 {}%{}", adjacency.neighbor.to_string(), adjacency.interface);
}

/// Probes that came back by another interface than their session's.
std::uint64_t refused_for_their_interface(const DaemonView& daemon) {
    if (!daemon.status.is_object()) return 0;
    return daemon.status.value("rejected_probes", nlohmann::json::object()).value("wrong-interface", std::uint64_t{0});
}

}  // namespace

Findings check_interfaces(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& name : ingress_of(*node.config)) {
        const auto* seen = node.machine.interface(name);
        const auto add = [&](std::string text, std::string command) {
            findings.push_back({Severity::error, "interface " + name, std::move(text), std::move(command)});
        };
        if (seen == nullptr) {
            const bool probed = std::ranges::find(node.config->adjacencies, name, &AdjacencyConfig::interface) !=
                                node.config->adjacencies.end();
            add(fmt::format("does not exist here: {}no traffic enters by it",
                            probed ? "its sessions are down, and " : ""),
                "ip link show");
        } else if (!seen->up) {
            add("is down", fmt::format("ip link set dev {} up", name));
        } else if (!seen->carrier) {
            add("has no carrier: the cable, or the other end", fmt::format("ip link show dev {}", name));
        } else if (needs_ipv6(*node.config, name) && seen->mtu < kLeastMtu) {
            add(fmt::format("has an MTU of {}: below {} the kernel has no IPv6 there, and has removed its addresses",
                            seen->mtu, kLeastMtu),
                fmt::format("ip link set dev {} mtu 1500, then add its addresses again", name));
        } else if (node.machine.is_bridge_port(*seen)) {
            add(fmt::format("is a port of the bridge {0}: packets enter and leave by {0}, so name that in the "
                            "configuration",
                            seen->master),
                fmt::format("ip -d link show dev {}", name));
        } else if (needs_ipv6(*node.config, name) &&
                   node.machine.sysctl(fmt::format("net.ipv6.conf.{}.disable_ipv6", name)).value_or(0) != 0) {
            add("has IPv6 turned off: probes and SIDs are IPv6",
                fmt::format("sysctl -w net.ipv6.conf.{}.disable_ipv6=0", name));
        }
    }
    return findings;
}

Findings check_ingress(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    const bool matters =
        !node.config->sids.empty() || std::ranges::any_of(node.config->policies, [](const PolicyConfig& policy) {
            return policy.steering == Steering::transit;
        });
    const auto watched = ingress_of(*node.config);
    std::vector<std::string> missing;
    for (const auto& [name, seen] : node.machine.interfaces) {
        const bool ours = name == node.config->device || name.starts_with(kOurLinks) || watched.contains(seen.master);
        if (!matters || ours || seen.loopback || !seen.up || !seen.carrier || watched.contains(name)) continue;
        if (std::ranges::any_of(seen.addresses, [](const SeenAddress& held) { return !held.link_local; }))
            missing.push_back(name);
    }
    auto all = node.config->ingress;
    all.insert(all.end(), missing.begin(), missing.end());
    for (const auto& name : missing) {
        // Where others are listed, this one may be left out on purpose: the management network, for example.
        findings.push_back(
            {node.config->ingress.empty() ? Severity::warning : Severity::note, "interface " + name,
             "is neither in `ingress` nor an adjacency's: packets that enter by it are not protected, and "
             "those to SIDs of this node not taken",
             fmt::format("in the configuration: ingress: [{}]", fmt::join(all, ", "))});
    }
    return findings;
}

Findings check_return_addresses(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& adjacency : node.config->adjacencies) {
        if (adjacency.bfd) continue;  // nothing returns
        const auto& address = adjacency.probe.return_address;
        const auto holders = node.machine.holders(address);
        if (!can_carry(node.machine, adjacency)) continue;
        const auto add = [&](Severity severity, std::string text, std::string command) {
            findings.push_back({severity, "session " + adjacency.name, std::move(text), std::move(command)});
        };
        if (const auto unusable = node.machine.unusable(address); holders.empty() && !unusable.empty()) {
            add(Severity::error,
                fmt::format("its return-address {} cannot be used: {}, so probes do not come back", address.to_string(),
                            unusable),
                fmt::format("{} show dev {}", ip_of(address, "address"), adjacency.interface));
        } else if (holders.empty()) {
            add(Severity::error,
                fmt::format("its return-address {} is no address of this node, so probes do not come back",
                            address.to_string()),
                fmt::format("{} show dev {}", ip_of(address, "address"), adjacency.interface));
        } else if (adjacency.probe.turnaround != Turnaround::end_x &&
                   std::ranges::find(holders, adjacency.interface) == holders.end()) {
            const auto* holder = node.machine.interface(holders.front());
            add(node.daemon.running && is_silent(node.daemon.session(adjacency.name)) ? Severity::error
                                                                                      : Severity::warning,
                fmt::format("its return-address {} is on {}, not on {}: probes return by another link, or hide a "
                            "failure of this one; {}",
                            address.to_string(), holders.front(), adjacency.interface,
                            holder != nullptr && holder->loopback ? "take an address of the link itself"
                                                                  : "are two return addresses swapped?"),
                fmt::format("{} show dev {}", ip_of(address, "address"), adjacency.interface));
        }
    }
    return findings;
}

Findings check_neighbors(const Case& node) {
    Findings findings;
    if (!node.config || !node.machine.looked) return findings;
    for (const auto& adjacency : node.config->adjacencies) {
        if (!can_carry(node.machine, adjacency)) continue;
        const auto* seen = neighbor_at(node.machine, adjacency.interface, adjacency.neighbor);
        if (seen != nullptr && seen->resolved()) continue;
        if (node.daemon.running && answers(node, adjacency)) continue;  // it knows its MAC address
        const auto address = adjacency.neighbor.to_string();
        const auto others = adjacency.neighbor.is_link_local()
                                ? std::vector<std::string>{}
                                : elsewhere(node.machine, adjacency.interface, adjacency.neighbor);
        const auto holders = node.machine.holders(adjacency.neighbor);
        if (std::ranges::find(holders, adjacency.interface) != holders.end()) {
            findings.push_back(
                {Severity::error, "session " + adjacency.name,
                 fmt::format("its neighbor {} is this node's own address", address),
                 fmt::format("{} show dev {}", ip_of(adjacency.neighbor, "neighbor"), adjacency.interface)});
        } else if (!others.empty()) {
            findings.push_back({Severity::error, "session " + adjacency.name,
                                fmt::format("its neighbor {} is behind {}, not behind {}: wrong interface?", address,
                                            fmt::join(others, ", "), adjacency.interface),
                                ip_of(adjacency.neighbor, "neighbor show")});
        } else if (seen != nullptr) {
            findings.push_back({Severity::error, "session " + adjacency.name,
                                fmt::format("nobody behind {} answers for its neighbor {} ({}): wrong neighbor or "
                                            "interface, or it is off",
                                            adjacency.interface, address, seen->state),
                                ping_of(adjacency)});
        } else {
            findings.push_back(
                {node.daemon.running ? Severity::error : Severity::note, "session " + adjacency.name,
                 fmt::format("the kernel does not know its neighbor {} behind {} yet", address, adjacency.interface),
                 ping_of(adjacency)});
        }
    }
    return findings;
}

namespace {

Finding bfd_finding(const AdjacencyConfig& adjacency, const nlohmann::json& session) {
    const auto peer = adjacency.bfd->peer.value_or(adjacency.neighbor).to_string();
    const auto remote = session.value(nlohmann::json::json_pointer("/bfd/remote/state"), std::string());
    const auto heard = session.value("answered", 0ULL);
    auto text = heard == 0 ? fmt::format(
                                 "{} sends no BFD to this node by {}: it has no session with it, or filters UDP "
                                 "port 3784",
                                 peer, adjacency.interface)
                           : fmt::format("{} BFD packets came from {}, whose state is {}: does it hear this node?",
                                         heard, peer, remote);
    return {Severity::error, "session " + adjacency.name, std::move(text), ping_of(adjacency)};
}

/// What else keeps an IPv4 router from forwarding; ends in a comma and a space.
std::string reverse_path_of(const Config& config, const AdjacencyConfig& adjacency) {
    if (!adjacency.neighbor.is_v4() || !config.source_v4) return "";
    return fmt::format("has none to {} over this link and a strict reverse path filter, ",
                       config.source_v4->to_string());
}

/// Commands that show it; that it forwards is not in doubt if probes come back somewhere.
std::string at_the_neighbor(const Config& config, const AdjacencyConfig& adjacency, bool forwards) {
    const auto home = adjacency.probe.return_address.to_string();
    if (!adjacency.neighbor.is_v4())
        return fmt::format("on the neighbor: {}ip -6 route get {}",
                           forwards ? "" : "sysctl -w net.ipv6.conf.all.forwarding=1; ", home);
    const auto source = config.source_v4.value_or(Address{}).to_string();
    return fmt::format("on the neighbor: {}ip route get {}; ip route get {}; sysctl -a -r 'ipv4.*\\.rp_filter'",
                       forwards ? "" : "sysctl -w net.ipv4.ip_forward=1; ", home, source);
}

}  // namespace

Findings check_answers(const Case& node) {
    Findings findings;
    if (!node.config || !node.daemon.running) return findings;
    const auto by_other_links = refused_for_their_interface(node.daemon);
    for (const auto& adjacency : node.config->adjacencies) {
        const auto session = node.daemon.session(adjacency.name);
        if (!is_silent(session) || !can_carry(node.machine, adjacency)) continue;
        const auto* seen = neighbor_at(node.machine, adjacency.interface, adjacency.neighbor);
        if (adjacency.bfd) {
            if (seen != nullptr && seen->resolved()) findings.push_back(bfd_finding(adjacency, session));
            continue;
        }
        const auto holders = node.machine.holders(adjacency.probe.return_address);
        const bool elsewhere = adjacency.probe.turnaround != Turnaround::end_x &&
                               std::ranges::find(holders, adjacency.interface) == holders.end();
        if (seen == nullptr || !seen->resolved() || elsewhere) continue;  // another check names the cause
        const auto sent = session.value("sent", 0ULL);
        const auto answered = session.value("answered", 0ULL);
        if (answered > 0) {
            findings.push_back(
                {Severity::error, "session " + adjacency.name,
                 fmt::format("{} of {} probes came back by {}, and none for {:.1f} s: the link or the "
                             "neighbor failed, or {} does not forward any more",
                             answered, sent, adjacency.interface, session.value("last_answer_age_us", 0.0) / 1e6,
                             adjacency.neighbor.to_string()),
                 ping_of(adjacency)});
            continue;
        }
        const auto neighbor = adjacency.neighbor.to_string();
        const auto home = adjacency.probe.return_address.to_string();
        findings.push_back(
            {Severity::error, "session " + adjacency.name,
             by_other_links > 0
                 ? fmt::format("none of {} probes came back by {}, and {} probes of this node came back by other "
                               "interfaces than their own: {} has a route to {} over another link, or the "
                               "return-addresses of two adjacencies are swapped",
                               sent, adjacency.interface, by_other_links, neighbor, home)
                 : fmt::format("none of {} probes came back by {}: {} does not forward, has no route to {} over this "
                               "link, {}or filters UDP port 862",
                               sent, adjacency.interface, neighbor, home, reverse_path_of(*node.config, adjacency)),
             at_the_neighbor(*node.config, adjacency, by_other_links > 0)});
    }
    return findings;
}

}  // namespace sidestep
