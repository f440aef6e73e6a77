// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The routes of this machine whose packets a policy takes although they are more specific than its prefixes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

/// The prefixes in the text of /proc/net/ipv6_route or, with `v4`, /proc/net/route.
std::vector<Prefix> routes_in(std::string_view text, bool v4);

/// One line per policy that takes packets of these routes.
std::string describe_shadowed(const Config& config, const std::vector<Prefix>& routes);

/// The same with the routes of this machine; empty if the kernel does not show any.
std::string describe_shadowed(const Config& config);

}  // namespace sidestep
