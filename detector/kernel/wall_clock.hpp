// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks the kernel how good its wall clock is, for STAMP's error estimates.
#pragma once

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"

namespace sidestep {

/// What adjtimex(2) says; `now` is CLOCK_MONOTONIC. It holds for some seconds: ask again before.
ss_wall_clock look_at_wall_clock(Nanoseconds now);

}  // namespace sidestep
