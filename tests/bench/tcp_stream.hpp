// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One TCP connection to D that sends as fast as it can, with segmentation offload. Both ends and all routers
// between them share one core, so that its time is what is divided.
#pragma once

#include <chrono>
#include <string>

#include "common/error.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// What D received, in Gbit of payload per second of the core, after a moment to get going. Nothing else may run in
/// this process.
Result<double> tcp_gbps(const topo::Lab& lab, std::chrono::nanoseconds length, const std::string& from = "S");

}  // namespace sidestep::bench
