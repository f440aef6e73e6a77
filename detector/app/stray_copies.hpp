// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copies that come to a merging SID of this node in vain, because it does not merge their flow or their numbers have long
// passed: their sender loses every packet, or the second copy, and nothing there tells it so.
#pragma once

#include <span>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "detector/core/config.hpp"
#include "detector/core/problems.hpp"

namespace sidestep {

/// What is wrong, as of the last minute. `sids` are those of this node.
ProblemTexts stray_problems(std::span<const ss_stray> strays, const std::vector<SidConfig>& sids, Nanoseconds now);

}  // namespace sidestep
