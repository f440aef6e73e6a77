// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// From this machine.
#include "doctor/proposal.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/run_directory.hpp"

namespace sidestep {
namespace {

constexpr std::uint8_t kDomainBits = 32;  // a block of locators, as RFC 9800 suggests

/// Interfaces of our own, of bridges and bonds, and of no use are left out.
bool is_link(const SeenInterface& interface) {
    return interface.up && interface.carrier && !interface.loopback && interface.master.empty() &&
           !interface.name.starts_with("ss-clock") && !interface.name.starts_with("ss-split");
}

/// A global address in a subnet that the interface shares with its neighbors.
std::optional<Address> return_address_of(const SeenInterface& interface) {
    for (const auto& seen : interface.addresses) {
        if (!seen.link_local && !seen.address.is_v4() && seen.length < 128) return seen.address;
    }
    return std::nullopt;
}

/// The interface's address in a subnet with the neighbor.
std::optional<Address> return_address_v4(const SeenInterface& interface, const Address& neighbor) {
    for (const auto& seen : interface.addresses) {
        if (seen.address.is_v4() && seen.address != neighbor &&
            Prefix::covering(seen.address, seen.length).contains(neighbor))
            return seen.address;
    }
    return std::nullopt;
}

std::optional<Address> source_of(const Machine& machine, std::string& origin) {
    const auto from = [&](const SeenInterface& interface) -> std::optional<Address> {
        for (const auto& seen : interface.addresses) {
            if (seen.link_local || seen.address.is_v4() || seen.address == *Address::parse("::1")) continue;
            origin = "an address of " + interface.name;
            return seen.address;
        }
        return std::nullopt;
    };
    if (const auto* loopback = machine.interface("lo")) {
        // FRR 8.4 announces a locator by an address of its length; computed SIDs are in there, and so must the source be.
        auto locators = *loopback;
        std::erase_if(locators.addresses, [](const SeenAddress& seen) { return seen.length == 128; });
        if (const auto address = machine.isis ? from(locators) : std::nullopt) return address;
        if (const auto address = from(*loopback)) return address;
    }
    for (const auto& [name, interface] : machine.interfaces) {
        if (const auto address = from(interface)) return address;
    }
    return std::nullopt;
}

/// A name that a node may have.
std::string node_name(std::string name) {
    name = name.substr(0, std::min(name.find('.'), kLongestNodeName));
    std::erase_if(name, [](char c) { return !is_node_name(std::string("a") + c); });
    return is_node_name(name) ? name : "node";
}

/// The addresses behind an interface that routes name as their gateway, the same neighbor's together: by MAC address.
std::map<std::string, std::vector<Address>> neighbors_by_mac(const Machine& machine, const std::string& interface) {
    std::map<Address, std::string> macs;
    for (const auto& seen : machine.neighbors) {
        if (seen.interface == interface && seen.resolved()) macs[seen.address] = seen.mac;
    }
    std::map<std::string, std::vector<Address>> groups;
    const auto add = [&](const Address& address) {
        const auto mac = macs.find(address);
        auto& group = groups[mac == macs.end() || mac->second.empty() ? address.to_string() : mac->second];
        if (std::ranges::find(group, address) == group.end()) group.push_back(address);
    };
    for (const auto& route : machine.routes) {
        if (route.interface == interface && route.gateway) add(*route.gateway);
    }
    for (const auto& seen : machine.neighbors) {
        const bool known = seen.interface == interface && seen.resolved() && !seen.address.is_v4();
        if (known && (seen.router || groups.contains(seen.mac))) add(seen.address);
    }
    return groups;
}

/// The one that stays when addresses are renumbered: a link-local one, or else the first IPv6 address.
std::optional<Address> best(const std::vector<Address>& addresses) {
    for (const bool link_local : {true, false}) {
        for (const auto& address : addresses) {
            if (!address.is_v4() && address.is_link_local() == link_local) return address;
        }
    }
    return std::nullopt;
}

/// A neighbor that says of itself that it does not forward: a host, although routes lead to it.
bool is_host(const Machine& machine, const std::string& interface, const std::vector<Address>& addresses) {
    bool known = false;
    for (const auto& seen : machine.neighbors) {
        const bool its_own = seen.interface == interface && seen.resolved() && !seen.address.is_v4() &&
                             std::ranges::find(addresses, seen.address) != addresses.end();
        if (its_own && seen.router) return false;
        known = known || its_own;
    }
    return known;
}

bool is_gateway(const Machine& machine, const std::string& interface, const std::vector<Address>& addresses) {
    return std::ranges::any_of(machine.routes, [&](const SeenRoute& route) {
        return route.interface == interface && route.gateway &&
               std::ranges::find(addresses, *route.gateway) != addresses.end();
    });
}

bool is_host_address(const SeenAddress& seen) {
    return seen.address.is_v4() && seen.address.bytes[12] != 127;  // RFC 1122, 3.2.1.3
}

/// An IPv4 address that is on no link with a neighbor: where a router sends a packet back to its sender's subnet, it tells
/// of that (ICMP Redirect).
std::optional<Address> source_v4_of(const Machine& machine, std::string& origin) {
    const auto from = [&](const SeenInterface& interface) -> std::optional<Address> {
        const auto found = std::ranges::find_if(interface.addresses, is_host_address);
        if (found == interface.addresses.end()) return std::nullopt;
        origin = "an address of " + interface.name;
        return found->address;
    };
    if (const auto* loopback = machine.interface("lo")) {
        if (const auto address = from(*loopback)) return address;
    }
    for (const auto& [name, interface] : machine.interfaces) {
        if (!neighbors_by_mac(machine, name).empty()) continue;
        if (const auto address = from(interface)) return address;
    }
    return std::nullopt;
}

/// The two addresses that a session needs.
struct SessionEnds {
    Address neighbor;
    Address home;
};

std::optional<SessionEnds> ends_v6(const SeenInterface& interface, const std::vector<Address>& addresses) {
    const auto neighbor = best(addresses);
    const auto home = return_address_of(interface);
    if (!neighbor || !home) return std::nullopt;
    return SessionEnds{.neighbor = *neighbor, .home = *home};
}

std::optional<SessionEnds> ends_v4(const SeenInterface& interface, const std::vector<Address>& addresses) {
    for (const auto& address : addresses) {
        const auto home = address.is_v4() ? return_address_v4(interface, address) : std::nullopt;
        if (home) return SessionEnds{.neighbor = address, .home = *home};
    }
    return std::nullopt;
}

/// Why there is no session with this neighbor.
std::string remark_on(const SeenInterface& interface, const std::vector<Address>& addresses) {
    const auto neighbor = best(addresses);
    if (ends_v4(interface, addresses))
        return fmt::format(
            "{} has a neighbor with IPv4 addresses only ({}): its probes need an IPv4 address of this node that is on "
            "no such link, best on lo",
            interface.name, addresses.front().to_string());
    if (!neighbor)
        return fmt::format("{} has no address in the subnet of its neighbor {}, which probes could return to",
                           interface.name, addresses.front().to_string());
    return fmt::format("{} has no global IPv6 address that probes could return to: add one, for its link to {}",
                       interface.name, neighbor->to_string());
}

void add_links(const SeenInterface& interface, const Machine& machine, Proposal& proposal) {
    const auto groups = neighbors_by_mac(machine, interface.name);
    std::size_t number = 0;
    for (const auto& [mac, addresses] : groups) {
        if (is_host(machine, interface.name, addresses)) continue;
        auto ends = ends_v6(interface, addresses);
        if (!ends && proposal.source_v4) ends = ends_v4(interface, addresses);
        if (!ends) {
            proposal.remarks.push_back(remark_on(interface, addresses));
            continue;
        }
        ProposedLink link{.name = ++number == 1 ? interface.name : fmt::format("{}.{}", interface.name, number),
                          .interface = interface.name,
                          .neighbor = ends->neighbor,
                          .return_address = ends->home,
                          .origin = is_gateway(machine, interface.name, addresses)
                                        ? ends->neighbor.is_v4()
                                              ? "routes lead to this neighbor; take it out if it is a host"
                                              : "routes lead to this neighbor"
                                        : "this neighbor says that it is a router; no route leads to it"};
        for (const auto& address : addresses) {
            if (address != ends->neighbor) link.gateways.push_back(address);
        }
        proposal.links.push_back(std::move(link));
    }
}

}  // namespace

Result<Proposal> propose(const Machine& machine, const std::string& node) {
    Proposal proposal{.node = node.empty() ? node_name(machine.hostname) : node};
    const auto source = source_of(machine, proposal.source_origin);
    proposal.source = source.value_or(Address{});
    proposal.source_v4 = source_v4_of(machine, proposal.source_v4_origin);
    if (!source && !proposal.source_v4) return fail("this machine has no global IPv6 address: give it one, best on lo");
    for (const auto& [name, interface] : machine.interfaces) {
        if (!is_link(interface)) continue;
        const auto before = proposal.links.size();
        add_links(interface, machine, proposal);
        const bool routed =
            std::ranges::any_of(interface.addresses, [](const SeenAddress& seen) { return !seen.link_local; });
        if (proposal.links.size() != before || !routed) continue;
        proposal.ingress.push_back(name);
        if (return_address_of(interface) && neighbors_by_mac(machine, name).empty()) {
            proposal.remarks.push_back(fmt::format(
                "{0}: no neighbor is known there. If there is a router: ping -c 2 ff02::2%{0}, and run this again ten "
                "seconds later, when the kernel knows that it is one",
                name));
        }
    }
    if (proposal.links.empty()) {
        std::string why =
            "no route leads to a neighbor: add the routes first (or wait for those of the IGP), or ping the "
            "neighbors";
        for (const auto& remark : proposal.remarks) why += "; " + remark;
        return fail(why);
    }
    if (std::ranges::none_of(proposal.links, [](const ProposedLink& link) { return link.neighbor.is_v4(); }))
        proposal.source_v4.reset();
    if (!source) return proposal;
    if (machine.isis) proposal.routing = "{isis: true}";
    proposal.domain = {Prefix::covering(proposal.source, kDomainBits)};
    return proposal;
}

}  // namespace sidestep
