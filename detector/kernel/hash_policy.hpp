// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads how the kernel chooses among equal next hops.
#pragma once

#include <cstdint>

namespace sidestep {

/// A bit for each family (1 << SS_IPV6, 1 << SS_IPV4) whose fib_multipath_hash_policy is not 0 (addresses only). With
/// such a policy, the kernel may use a hash that is already on the packet.
std::uint32_t hashes_beyond_addresses();

}  // namespace sidestep
