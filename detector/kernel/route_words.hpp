// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A route as text. Specs and kernel messages are both converted to it, so that they can be compared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/address.hpp"
#include "detector/kernel/route_message.hpp"

namespace sidestep {

inline constexpr std::uint8_t kMappedBits = 96;  ///< length of ::ffff:0:0/96

/// The parts of what describe() returns.
struct RouteWords {
    RouteKey key;
    std::string kind{};  ///< "unreachable " and similar
    int ifindex = 0;
    std::optional<Address> via{};
    std::string encap{};
    unsigned mtu = 0;

    [[nodiscard]] std::string text() const;
};

RouteWords words_of(const RouteSpec& spec);

/// True for an IPv4 prefix.
bool is_v4(const Prefix& prefix);
/// The name under which the kernel knows the program of a route.
std::string program_name(const ProgramRoute& route);
/// The bits of SEG6_LOCAL_FLV_OPERATION.
unsigned flavor_bits(const SidRoute& route);
std::string flavor_text(unsigned bits, unsigned block_bits, unsigned function_bits);
/// `action` is one of SEG6_LOCAL_ACTION_*.
std::string sid_text(unsigned action, const std::optional<Address>& neighbor, int neighbor_ifindex,
                     const std::string& flavors);

}  // namespace sidestep
