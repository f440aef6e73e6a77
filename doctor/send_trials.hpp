// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tries segment lists with packets of our own, in the network namespace of the calling thread.
#pragma once

#include <vector>

#include "common/error.hpp"
#include "doctor/machine.hpp"

namespace sidestep {

/// Takes milliseconds if all packets come back, a second if not. At most 256 lists are tried; those left out are not in
/// the answer. Fails without CAP_NET_RAW.
Result<std::vector<TriedList>> try_lists(const Case& node);

}  // namespace sidestep
