// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gives memory that is free, but still the process's, back to the system.
#pragma once

#include <malloc.h>

namespace sidestep {

/// To be called after something large was read. What it left free is scattered among what stays, and the allocator gives
/// back by itself only what lies at the end. Takes milliseconds.
inline void give_back_free_memory() {
#ifdef __GLIBC__
    (void)::malloc_trim(0);
#endif
}

}  // namespace sidestep
