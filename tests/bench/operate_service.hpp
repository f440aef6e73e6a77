// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The rows of `bench operate` about what an operator does and sees: start, restart, drain, events, metrics, top.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

std::vector<Row> service_rows(bool quick);

}  // namespace sidestep::bench
