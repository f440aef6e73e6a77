// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Changes of links, neighbors, addresses, routes, nexthop objects and rules that the kernel reports, as plain values. detector/kernel reads
// them, the engine acts on them, and tests write them by hand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "detector/core/headers.hpp"

namespace sidestep {

struct LinkChange {
    int ifindex = 0;
    std::string name;
    bool gone = false;
    bool up = false;        ///< administratively
    bool running = false;   ///< administratively up, and with carrier
    bool ip_off = false;    ///< IPv6 is switched off there, or the MTU is too small for it
    std::uint32_t mtu = 0;  ///< bytes; 0: not reported
    std::optional<MacAddress> mac;
    std::string kind{};             ///< of a virtual interface: veth, vlan, bond...; empty for other interfaces
    int parent = 0;                 ///< of a VLAN: its lower interface
    std::uint32_t xdp_program = 0;  ///< ID of the attached XDP program; 0: none
    bool ethernet = true;           ///< its packets have Ethernet headers
};

/// What neighbor discovery knows of an address (RFC 4861, 7.3.2, as far as it matters here).
enum class NeighborStatus { unknown, usable, failed };

struct NeighborChange {
    int ifindex = 0;
    Address address;
    NeighborStatus status = NeighborStatus::unknown;
    std::optional<MacAddress> mac;
    bool gone = false;  ///< its entry is
};

struct AddressChange {
    int ifindex = 0;
    Address address;
    bool gone = false;
};

/// A next hop. The gateway is zero if the destination is on the link.
struct RouteHop {
    int ifindex = 0;
    Address gateway;

    auto operator<=>(const RouteHop&) const = default;  // NOLINT(modernize-use-nullptr): the expansion of <=>
};

/// What a route does with its packets.
enum class RouteKind : std::uint8_t {
    forwards,   ///< sends them to next hops; somebody set it up
    connected,  ///< the same; the kernel made it from an address
    ends,       ///< delivers them to this node, or refuses them: local, blackhole, unreachable, prohibit
    other,      ///< one of ours, or one that has the kernel go on
};

/// A route that appeared or changed, or, with `gone`, the next hops that it lost.
struct RouteChange {
    Prefix prefix;
    unsigned metric = 0;
    std::vector<RouteHop> hops;  ///< those that the kernel uses; none if `nexthop` alone names them
    bool gone = false;
    std::uint32_t table = kMainTable;
    std::uint32_t selector =
        0;  ///< of a route that is not for all packets: stands for their sources and type of service
    std::uint32_t nexthop = 0;  ///< the nexthop object that the route refers to; 0: none
    bool fixed = false;         ///< connected, ours, or no way at all: whatever happens to links is right for it
    RouteKind kind = RouteKind::forwards;

    static constexpr std::uint32_t kMainTable = 254;
    static constexpr std::uint32_t kLocalTable = 255;
};

/// A nexthop object, with one hop, or a group of others.
struct NextHopChange {
    std::uint32_t id = 0;
    std::vector<RouteHop> hops;
    std::vector<std::uint32_t> members;
    bool gone = false;

    bool operator==(const NextHopChange&) const = default;
};

/// How packets come to a routing table.
enum class Reach : std::uint8_t {
    never,     ///< no rule leads there, or only the rule of VRFs does
    selected,  ///< a rule for some packets
    always,    ///< a rule for all of a family
};

enum class RouteFamily : std::uint8_t { v4, v6 };

/// What the rules of one family say.
struct RuleSet {
    std::map<std::uint32_t, Reach> tables;
    bool vrfs = false;  ///< packets of VRFs look into their own tables

    [[nodiscard]] Reach reach(std::uint32_t table) const {
        const auto found = tables.find(table);
        return found == tables.end() ? Reach::never : found->second;
    }
};

/// The families whose routes the kernel does not use while their interface has no carrier.
struct LinkdownIgnored {
    bool v4 = false;
    bool v6 = false;
};

}  // namespace sidestep
