// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether a process has nothing to do any more.
#pragma once

#include <sys/types.h>

#include "tests/bench/must.hpp"

namespace sidestep::bench {

/// Ticks of processor time (sysconf(_SC_CLK_TCK) a second) that a process has used.
long processor_ticks(pid_t pid);
/// Waits until it has used next to none for 300 ms; throws after a minute.
void wait_for_rest(pid_t pid);

}  // namespace sidestep::bench
