// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The rows of the hitless benchmark that need a network.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

/// What is lost and doubled while ways are cut, lose packets, and both ends are restarted.
std::vector<Row> measure_losses(bool quick);
/// What two copies cost: beside plain forwarding, per later copy, in memory, and beside TCP by one list.
std::vector<Row> measure_costs(bool quick);

}  // namespace sidestep::bench
