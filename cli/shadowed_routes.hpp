// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The routes of this machine whose packets a policy takes although they are more specific than its prefixes.
#pragma once

#include <string>
#include <vector>

#include "common/address.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

/// One line per policy that takes packets of these routes.
std::string describe_shadowed(const Config& config, const std::vector<Prefix>& routes);

/// The same with the routes of this machine, as `sidestep doctor` reads them; empty if ip(8) does not answer.
std::string describe_shadowed(const Config& config);

}  // namespace sidestep
