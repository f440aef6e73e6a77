// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What it costs to answer a STAMP packet, beside what it costs to forward one.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

std::vector<Row> stamp_rows(bool quick);

}  // namespace sidestep::bench
