// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The SID plan gives each function number a meaning, so that every node can derive every other node's SIDs from
// locators alone. A SID is locator : function (16 bits right after the locator) : zeros. docs/routing.md gives the
// reasons.
//
//   0x0001            End        (RFC 8986, 4.1); with NEXT-C-SID the bare locator is End too ("uN", RFC 9800)
//   0x0006            decapsulation: End.DT46 or End.DT6 into the main table (4.8, 4.6), whichever the node installs
//   0x1000 + index    End.X      (4.2) of the index-th link of a topology file: parallel links are told apart
//   0x8000 + number   End.X      of the links to one neighbor, where the input is a link-state database without link
//                                ids; number = the last 16 bits of the neighbor's locator, below 0x8000
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "routing/core/graph.hpp"

namespace sidestep::routing {

inline constexpr std::uint8_t kFunctionBits = 16;
inline constexpr std::uint8_t kMaxLocatorLength = 128 - kFunctionBits;
inline constexpr std::uint16_t kFunctionEnd = 0x0001;
inline constexpr std::uint16_t kFunctionDecap = 0x0006;

/// The End.X function of the index-th link of a topology file; nullopt beyond what the plan holds.
std::optional<std::uint16_t> link_function(std::size_t index);
/// The End.X function towards the neighbor with this locator; nullopt where the plan gives it no number.
std::optional<std::uint16_t> neighbor_function(const Prefix& locator);

/// locator : function : zeros.
Address sid(const Prefix& locator, std::uint16_t function);

enum class Behavior { end, end_x, decap, end_next_csid };
std::string_view to_string(Behavior behavior);

/// A SID that a node has to install; `arc` is the adjacency of an End.X.
struct LocalSid {
    Address sid;
    Behavior behavior = Behavior::end;
    std::optional<ArcId> arc;
};

/// All SIDs of a node in the plan; none if it has no locator. An End.X of several links comes once. The bare locator
/// (end_next_csid) comes last and is needed only for compressed lists; it is to be installed for the whole locator, the
/// others for their 16 function bits too.
std::vector<LocalSid> local_sids(const Graph& graph, NodeId node);

}  // namespace sidestep::routing
