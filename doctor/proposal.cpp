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

void add_links(const SeenInterface& interface, const Machine& machine, Proposal& proposal) {
    const auto groups = neighbors_by_mac(machine, interface.name);
    const auto home = return_address_of(interface);
    std::size_t number = 0;
    for (const auto& [mac, addresses] : groups) {
        if (is_host(machine, interface.name, addresses)) continue;
        const auto neighbor = best(addresses);
        if (!neighbor) {
            proposal.remarks.push_back(fmt::format("{} has a neighbor with IPv4 addresses only ({}): probes are IPv6",
                                                   interface.name, addresses.front().to_string()));
            continue;
        }
        if (!home) {
            proposal.remarks.push_back(
                fmt::format("{} has no global IPv6 address that probes could return to: add one, for its link to {}",
                            interface.name, neighbor->to_string()));
            continue;
        }
        ProposedLink link{.name = ++number == 1 ? interface.name : fmt::format("{}.{}", interface.name, number),
                          .interface = interface.name,
                          .neighbor = *neighbor,
                          .return_address = *home,
                          .origin = is_gateway(machine, interface.name, addresses)
                                        ? "routes lead to this neighbor"
                                        : "this neighbor says that it is a router; no route leads to it"};
        for (const auto& address : addresses) {
            if (address != *neighbor) link.gateways.push_back(address);
        }
        proposal.links.push_back(std::move(link));
    }
}

}  // namespace

Result<Proposal> propose(const Machine& machine, const std::string& node) {
    Proposal proposal{.node = node.empty() ? node_name(machine.hostname) : node};
    const auto source = source_of(machine, proposal.source_origin);
    if (!source) return fail("this machine has no global IPv6 address: give it one, best on lo");
    proposal.source = *source;
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
            "no route leads to a neighbor over IPv6: add the routes first (or wait for those of the IGP), or ping the "
            "neighbors";
        for (const auto& remark : proposal.remarks) why += "; " + remark;
        return fail(why);
    }
    if (machine.isis) proposal.routing = "{isis: true}";
    proposal.domain = {Prefix::covering(proposal.source, kDomainBits)};
    return proposal;
}

}  // namespace sidestep
