// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes SIDs of the plan as addresses.
#include "routing/core/sids.hpp"

#include <algorithm>

namespace sidestep::routing {
namespace {

constexpr std::uint16_t kFirstLink = 0x1000;
constexpr std::uint16_t kFirstNeighbor = 0x8000;

/// The 16 bits of `address` that begin at bit `first`.
std::uint16_t bits16(const Address& address, std::size_t first) {
    std::uint32_t window = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto byte = first / 8 + i;
        window = window << 8U | (byte < 16 ? address.bytes[byte] : 0U);
    }
    return static_cast<std::uint16_t>(window >> (8 - first % 8));
}

}  // namespace

std::optional<std::uint16_t> link_function(std::size_t index) {
    if (index >= kFirstNeighbor - kFirstLink) return std::nullopt;
    return static_cast<std::uint16_t>(kFirstLink + index);
}

std::optional<std::uint16_t> neighbor_function(const Prefix& locator) {
    if (locator.length < kFunctionBits) return std::nullopt;
    const auto number = bits16(locator.address, locator.length - kFunctionBits);
    if (number >= kFirstNeighbor) return std::nullopt;
    return static_cast<std::uint16_t>(kFirstNeighbor + number);
}

Address sid(const Prefix& locator, std::uint16_t function) {
    auto result = locator.address;
    for (std::size_t i = 0; i < kFunctionBits; ++i) {
        const auto bit = locator.length + i;
        if ((function >> (kFunctionBits - 1 - i) & 1) == 0) continue;
        auto& byte = result.bytes[bit / 8];
        byte = static_cast<std::uint8_t>(byte | 0x80U >> (bit % 8));
    }
    return result;
}

std::string_view to_string(Behavior behavior) {
    switch (behavior) {
        case Behavior::end:
            return "End";
        case Behavior::end_x:
            return "End.X";
        case Behavior::decap:
            return "End.DT46";
        case Behavior::end_next_csid:
            return "End with NEXT-C-SID";
    }
    return "?";
}

std::vector<LocalSid> local_sids(const Graph& graph, NodeId node) {
    std::vector<LocalSid> result;
    const auto& locator = graph.node(node).locator;
    if (!locator) return result;
    result.push_back({.sid = sid(*locator, kFunctionEnd), .behavior = Behavior::end, .arc = std::nullopt});
    result.push_back({.sid = sid(*locator, kFunctionDecap), .behavior = Behavior::decap, .arc = std::nullopt});
    for (const auto& hop : graph.hops(node)) {
        const auto function = graph.link(link_of(hop.arc)).functions[hop.arc & 1U];
        if (!function) continue;
        const auto address = sid(*locator, *function);
        const auto same = [&](const LocalSid& other) { return other.sid == address; };
        if (std::any_of(result.begin(), result.end(), same)) continue;
        result.push_back({.sid = address, .behavior = Behavior::end_x, .arc = hop.arc});
    }
    result.push_back({.sid = locator->address, .behavior = Behavior::end_next_csid, .arc = std::nullopt});
    return result;
}

}  // namespace sidestep::routing
