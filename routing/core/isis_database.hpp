// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The link-state database as FRR's isisd prints it: "show isis database detail" followed by "show isis hostname". FRR
// 8.4's JSON has only the last LSP, so the text is parsed. Its LSP IDs have host names, cut off after 14 characters,
// but it names neighbors by system ID; the second command relates the two.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"
#include "routing/core/graph.hpp"
#include "routing/core/isis_adjacencies.hpp"

namespace sidestep::routing {

/// A router, or a LAN's pseudonode (number not 0) that the router speaks for.
struct IsisId {
    std::string system;  ///< "0000.0000.0001"
    std::uint8_t pseudonode = 0;

    auto operator<=>(const IsisId&) const = default;
};

struct IsisNeighbor {
    IsisId id;
    Metric metric = 0;

    bool operator==(const IsisNeighbor&) const = default;
};

/// A prefix as its owner announces it.
struct IsisPrefix {
    Prefix prefix;
    Metric metric = 0;
    bool down = false;      ///< leaked from the level above: any other owner is preferred (RFC 5302, 3.2; RFC 5308, 5)
    bool external = false;  ///< comes from another protocol (RFC 5308, 2)

    bool operator==(const IsisPrefix&) const = default;
};

/// All fragments of one router's or pseudonode's LSP.
struct IsisNode {
    IsisId id;
    std::string name;  ///< host name, else system ID; of the speaking router for a pseudonode
    bool overload = false;
    std::vector<IsisNeighbor> neighbors;  ///< as reported, parallel links one by one
    std::vector<IsisPrefix> prefixes;

    bool operator==(const IsisNode&) const = default;
};

struct IsisDatabase {
    int level = 2;
    std::string self;  ///< system ID of the router that was asked; empty if unknown
    std::vector<IsisNode> nodes;
    std::vector<std::string> left_out;         ///< routers whose system IDs are not known, and why
    std::vector<IsisAdjacency> adjacencies{};  ///< of the router that was asked; empty if unknown

    bool operator==(const IsisDatabase&) const = default;
};

/// Which part of isisd's output counts.
struct IsisScope {
    int level = 2;     ///< the other one if it alone has LSPs
    std::string area;  ///< the area's tag; empty: all areas
};

/// A metric above this one takes a prefix out of SPF (RFC 5305, 4).
inline constexpr Metric kMaxPathMetric = 0xFE000000;

/// Reads the output of both commands, in this order. In multi-topology networks the IPv6 topology counts. Unneeded text
/// is skipped. Sequence numbers and holdtimes are not part of the result, so equal databases mean equal networks.
/// Routers that cannot be told apart are left out. Errors: no database at all; fewer LSPs than the text announces or
/// than their count, which means a change while reading.
Result<IsisDatabase> parse_isis_database(const std::string& text, const IsisScope& scope = {});

}  // namespace sidestep::routing
