// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Converts messages about routes, nexthop objects and rules to values, attribute by attribute.
#pragma once

#include <cstdint>
#include <optional>

#include "detector/core/kernel_change.hpp"

struct nlmsghdr;

namespace sidestep {

/// None if the message is about no route that packets take.
std::optional<RouteChange> read_route(nlmsghdr* header);
std::optional<NextHopChange> read_nexthop(nlmsghdr* header);

struct SeenRule {
    RouteFamily family = RouteFamily::v4;
    std::uint32_t table = 0;
    Reach reach = Reach::never;
    bool vrfs = false;
};
/// None if it leads to no table.
std::optional<SeenRule> read_rule(nlmsghdr* header);

}  // namespace sidestep
