// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Allows one detector per network namespace.
#pragma once

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// Takes the lock of this network namespace. It is released when the descriptor is closed, even by a crash.
Result<Fd> lock_namespace();

}  // namespace sidestep
