// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which destinations the kernel's IPsec policies concern. What is repaired before the kernel has applied them would leave in
// the clear, or pass unchecked; so such destinations are left to the kernel there. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/address.hpp"

namespace sidestep {

/// An IPsec policy for packets that are sent, or for forwarded ones before they are.
struct IpsecPolicy {
    bool forwarded = false;  ///< "fwd": what they must have had; else "out": what they must get
    Prefix source;
    Prefix destination;
    bool blocks = false;
    bool transforms = false;      ///< has templates: to encrypt, or to have been encrypted
    std::uint32_t interface = 0;  ///< the ID of the IPsec interface that it is for; 0: all packets
};

struct IpsecPolicies {
    std::vector<IpsecPolicy> all;
    bool blocks_sent = false;       ///< by default, what no policy matches
    bool blocks_forwarded = false;  ///< the same for what is forwarded
};

struct IpsecPlan {
    std::set<Prefix> destinations;
    std::string selectors;  ///< of the policies, for humans; empty if there are none
};

/// More destinations than these are too many for the tables: then all are left to the kernel.
inline constexpr std::size_t kMostIpsecDestinations = 512;

/// Only destinations count: sources, ports and marks would have to be compared for each packet. A policy of an IPsec
/// interface is for packets that leave by that.
IpsecPlan plan_ipsec(const IpsecPolicies& policies);

/// What there is to say; empty if there are no such policies. `unguarded` destinations have no room in the tables.
std::string ipsec_problem(const IpsecPlan& plan, std::size_t unguarded);

}  // namespace sidestep
