// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// NEXT-C-SID compression (RFC 9800, 4.1): several SIDs of one locator block share one address, so that most repairs
// need no SRH at all. A container is block : node [: function] : node [: function] ... : zeros; each node shifts its
// own part out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/address.hpp"

namespace sidestep::routing {

/// A SID of the plan: locator and function.
struct Sid {
    Prefix locator;
    std::uint16_t function = 0;

    [[nodiscard]] Address address() const;
};

/// The format "F3216": a block of 32 bits, then 16 bits for each node and function number.
inline constexpr std::uint8_t kCsidBlockBits = 32;
inline constexpr std::uint8_t kCsidBits = 16;

/// Packs neighbors in the list that share a block. An End takes 16 bits (its node number; the node answers to its
/// locator as "uN"), any other function 32. SIDs whose locator does not have 48 bits, or that have no neighbor to join,
/// are unchanged.
std::vector<Address> compress(std::span<const Sid> sids);

}  // namespace sidestep::routing
