// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Addresses in rtnetlink messages: 16 bytes for IPv6, 4 for IPv4.
#pragma once

#include <linux/rtnetlink.h>

#include <optional>

#include "common/address.hpp"

struct nlattr;

namespace sidestep {

/// nullopt if the attribute is absent (null), or holds no address of this family (AF_INET or AF_INET6).
std::optional<Address> address_in(nlattr* attribute, int family);
/// RTA_GATEWAY, of the route's family, or RTA_VIA, which has a family of its own (RFC 5549); nullopt if neither is present.
std::optional<Address> gateway_in(nlattr* gateway, nlattr* via, int family);
/// RTA_DST of a route, with the length that its header tells; a default route has no attribute.
Prefix destination_in(const rtmsg& route, nlattr* destination);

}  // namespace sidestep
