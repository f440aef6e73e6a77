// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks that this process may do what a detector does, before it changes anything.
#pragma once

#include "common/error.hpp"

namespace sidestep {

/// Returns an error that names the missing capabilities and what to do.
Result<void> check_privilege();

}  // namespace sidestep
