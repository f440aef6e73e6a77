// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Has the scheduler run a thread soon after it is woken, even if others use all cores.
#pragma once

#include "common/error.hpp"

namespace sidestep {

/// Asks for the shortest time slices for this thread. Linux 6.12 and later let a thread with a shorter slice run before
/// one whose slice is longer; else it may wait for that one's whole slice, some milliseconds. The thread's share of the
/// processor stays the same, no privilege is needed, and threads and processes that it starts are as others. Earlier kernels
/// ignore it.
Result<void> ask_for_short_slices();

}  // namespace sidestep
