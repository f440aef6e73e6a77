// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// All that a node's network is configured with, as text: for tests that compare before and after. Sidestep has to leave a
// host as it found it.
#pragma once

#include <string>

#include "topo/netns.hpp"

namespace sidestep::topo {

/// Links, addresses, neighbors, routes of all tables and both families, nexthops, rules, qdiscs, classes, filters (those
/// of tc, tcx and XDP), and every sysctl of net.*. Left out are counters and ages:
///   - valid_lft, preferred_lft and expires of addresses and routes, and the timers of bridges
///   - how long ago a dynamic neighbor was heard of: reachable, stale, delay and probe are all "dynamic"
///   - neighbor entries of multicast addresses, which the kernel makes of the address and forgets again
///   - sysctls that count or draw at random: nf_conntrack_count, tcp_fastopen_key
std::string host_snapshot(const NetNs& netns);

/// The lines in which two snapshots differ, as diff(1) shows them; empty if they are the same.
std::string host_difference(const std::string& before, const std::string& after);

}  // namespace sidestep::topo
