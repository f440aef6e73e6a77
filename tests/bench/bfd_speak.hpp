// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep speaking BFD itself: how soon after a silent cut a session is down, with each kind of neighbor.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

std::vector<Row> speaking_rows(bool quick);

}  // namespace sidestep::bench
