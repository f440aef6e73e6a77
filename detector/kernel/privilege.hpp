// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether this process may do what a detector does, asked before anything is touched.
#pragma once

#include "common/error.hpp"

namespace sidestep {

/// An error that says what is missing and what to do about it.
Result<void> check_privilege();

}  // namespace sidestep
