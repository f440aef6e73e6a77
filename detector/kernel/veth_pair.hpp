// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A veth pair of our own, by which packets come back to this node: up, without addresses and neighbors.
#pragma once

#include "common/error.hpp"

namespace sidestep {

/// Makes the pair, or takes over a predecessor's, and brings both ends up.
Result<void> make_veth_pair(const char* end, const char* other);
/// Removes it. No error if it is gone.
void remove_veth_pair(const char* end);

}  // namespace sidestep
