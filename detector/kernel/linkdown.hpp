// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads whether the kernel goes on using routes over an interface that has lost its carrier.
#pragma once

#include <string>

#include "detector/core/kernel_change.hpp"

namespace sidestep {

/// ignore_routes_with_linkdown of an interface, in this network namespace.
LinkdownIgnored linkdown_ignored(const std::string& interface);

}  // namespace sidestep
