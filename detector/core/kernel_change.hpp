// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Changes that the kernel reports of links, neighbors, addresses and routes, as values: read by detector/kernel, acted
// upon by the engine, written by hand in tests.
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
    std::uint32_t mtu = 0;  ///< bytes; 0: not told
    std::optional<MacAddress> mac;
    std::string kind{};             ///< of a virtual interface: veth, vlan, bond...; empty for others
    int parent = 0;                 ///< of a VLAN: the interface that it is on
    std::uint32_t xdp_program = 0;  ///< at its XDP; 0: none
};

/// Where neighbor discovery stands with an address (RFC 4861, 7.3.2, as far as it matters here).
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

/// A next hop. The gateway is zero where the destination is on the link.
struct RouteHop {
    int ifindex = 0;
    Address gateway;

    auto operator<=>(const RouteHop&) const = default;  // NOLINT(modernize-use-nullptr): what it expands to
};

/// A route of the main table that appeared or changed, or (of) which some next hops are gone.
struct RouteChange {
    Prefix prefix;
    unsigned metric = 0;
    std::vector<RouteHop> hops;
    bool gone = false;
};

}  // namespace sidestep
