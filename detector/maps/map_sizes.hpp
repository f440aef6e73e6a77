// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Computes the sizes of the maps of the policy half. Maps cannot grow: a configuration that outgrows them needs new
// ones.
#pragma once

#include "detector/core/config.hpp"
#include "detector/maps/maps.hpp"

namespace sidestep {

/// Addresses of a neighbor, in addition to those of the configuration, that are told apart from hosts on its link.
inline constexpr std::uint32_t kAddressesOfNeighbor = 16;

/// Sizes for this configuration, with room to grow a little.
PolicySizes map_sizes(const Config& config);

/// True if maps of these sizes are large enough for the configuration.
bool fits(const Config& config, const PolicySizes& sizes);

}  // namespace sidestep
