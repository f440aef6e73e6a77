// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Changes of links, neighbors, addresses and routes that the kernel reports, as plain values. detector/kernel reads
// them, the engine acts on them, and tests write them by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "detector/core/wire.hpp"

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
};

/// A route of the main or local table that appeared or changed, or, with `gone`, the next hops that it lost.
struct RouteChange {
    Prefix prefix;
    unsigned metric = 0;
    std::vector<RouteHop> hops;
    bool gone = false;
    RouteKind kind = RouteKind::forwards;
};

}  // namespace sidestep
