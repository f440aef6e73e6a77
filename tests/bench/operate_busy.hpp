// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How soon the API answers, and how late the detector's loop is, while the kernel has much to tell: on a node with many
// routes, and with policies whose routes somebody else has, 50,000 routes change at once.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

/// Rows `api_p99_ms_busy` and `loop_late_ms_busy`.
std::vector<Row> busy_rows(bool quick);

}  // namespace sidestep::bench
