// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who takes the packets of a route of ours: a route that is installed is not always the one that is used. A better metric,
// a rule with another table, or an address of this node may precede it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "detector/kernel/route_lookup.hpp"
#include "detector/kernel/route_message.hpp"

namespace sidestep {

/// The destinations worth looking up for a route: packets to a SID go to its first address, and with NEXT-C-SID to others
/// of its prefix.
std::vector<Address> asked_for(const RouteSpec& spec);

/// Pure: what to say if the tables answer `found` for `destination`, one of asked_for(); empty if packets take our route,
/// or one that is more specific and rightly precedes it.
std::string shadow(const RouteSpec& spec, const Address& destination, const std::optional<FibAnswer>& found);

/// The same as the tables of this network namespace are now. Two lookups at most.
std::string find_shadow(Rtnl& rtnl, const RouteSpec& spec);

}  // namespace sidestep
