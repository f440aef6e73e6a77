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

/// All fragments of one router's or pseudonode's LSP.
struct IsisNode {
    IsisId id;
    std::string name;  ///< host name, else system ID; of the speaking router for a pseudonode
    bool overload = false;
    std::vector<IsisNeighbor> neighbors;  ///< as reported, parallel links one by one
    std::vector<Prefix> prefixes;

    bool operator==(const IsisNode&) const = default;
};

struct IsisDatabase {
    int level = 2;
    std::string self;  ///< system ID of the router that was asked; empty if unknown
    std::vector<IsisNode> nodes;

    bool operator==(const IsisDatabase&) const = default;
};

/// Reads the output of both commands, in this order, for one level (the other one if it alone has LSPs). In
/// multi-topology networks the IPv6 topology counts. Unneeded text is skipped. Sequence numbers and holdtimes are not
/// part of the result, so equal databases mean equal networks. Errors: no database at all; fewer LSPs than the text
/// announces or than their count, which means a change while reading; a host name without system ID.
Result<IsisDatabase> parse_isis_database(const std::string& text, int level = 2);

}  // namespace sidestep::routing
