// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/hash_policy.hpp"

#include <fstream>
#include <string>
#include <utility>

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
    constexpr int kInnerAddresses = 2;  // of packets that are no tunnels: the same as policy 0
    std::uint32_t families = 0;
    for (const auto& [family, name] : {std::pair{SS_IPV6, "ipv6"}, std::pair{SS_IPV4, "ipv4"}}) {
        const auto policy = policy_of(name);
        if (policy != 0 && policy != kInnerAddresses) families |= 1U << family;
    }
    return families;
}

}  // namespace sidestep
