// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/hash_policy.hpp"

#include <fstream>
#include <string>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

/// The policy of a family; 0 if the kernel has no such sysctl.
int policy_of(const char* family) {
    std::ifstream file(std::string("/proc/sys/net/") + family + "/fib_multipath_hash_policy");
    int policy = 0;
    return file >> policy ? policy : 0;
}

}  // namespace

std::uint32_t hashes_beyond_addresses() {
    std::uint32_t families = 0;
    if (policy_of("ipv6") != 0) families |= 1U << SS_IPV6;
    if (policy_of("ipv4") != 0) families |= 1U << SS_IPV4;
    return families;
}

}  // namespace sidestep
