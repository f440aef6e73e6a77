// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// 64 BFD sessions at 10 ms x 3 between two Sidesteps: what goes down for nothing while the machine is busy, while both
// processes stand still and while they are dead; and what the sessions cost.
#pragma once

#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

std::vector<Row> many_speakers_rows(bool quick);

}  // namespace sidestep::bench
