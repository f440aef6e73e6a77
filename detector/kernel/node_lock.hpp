// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One detector per network namespace.
#pragma once

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// Takes the lock of this network namespace; it is held until the descriptor is closed, by a crash too.
Result<Fd> lock_namespace();

}  // namespace sidestep
