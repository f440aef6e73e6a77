// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The checks of `sidestep doctor`. Each is pure, looks at one cause, and says nothing where it cannot know.
#pragma once

#include "doctor/finding.hpp"
#include "doctor/machine.hpp"

namespace sidestep {

// checks_daemon.cpp: what the daemon has, and what it says.

Findings check_daemon(const Case& node);
/// What the next start would stumble over.
Findings check_configuration(const Case& node);
/// Problems of the daemon that none of `others` is about.
Findings check_problems(const Case& node, const Findings& others);

/// What keeps routing from computing policies, or leaves some of them out.
Findings check_routing(const Case& node);
/// Adjacencies and nodes that are not repaired because somebody has said so.
Findings check_modes(const Case& node);
/// What the daemon has counted, and a mistake is the likeliest cause of.
Findings check_counters(const Case& node);

// checks_links.cpp: what a link needs.

/// Interfaces where packets enter past all policies.
Findings check_ingress(const Case& node);
/// Missing, down, without carrier, without IPv6.
Findings check_interfaces(const Case& node);
/// Not ours, or on another interface than the one that probes must return by.
Findings check_return_addresses(const Case& node);
/// Unresolved, or resolved behind another interface.
Findings check_neighbors(const Case& node);
/// Sessions of the daemon that do not answer, although all of the above is well.
Findings check_answers(const Case& node);

// checks_paths.cpp: what packets meet.

/// A plain candidate is over another interface than the kernel's route.
Findings check_plain_candidates(const Case& node);
/// A SID that is installed is not what the tables answer.
Findings check_sids(const Case& node);
/// SIDs that will be the subnet-router anycast address of an address of this node (RFC 4291, 2.6.1).
Findings check_sid_addresses(const Case& node);
/// What the daemon says of its routes: one could not be installed, or is not used.
Findings check_routes(const Case& node);
/// What the daemon says of copies that come to a merging SID and are all dropped.
Findings check_merging(const Case& node);
/// Packets of full size do not fit with the header of a repair.
Findings check_mtu(const Case& node);
/// The same for what routing has computed.
Findings check_computed_mtu(const Case& node);
/// A source that is no address of this node.
Findings check_addresses(const Case& node);

// checks_backups.cpp

/// Backups of which only the first link is probed, and what doctor's own packets found behind it.
Findings check_backups(const Case& node);

// checks_machine.cpp: what the kernel must have and do.

Findings check_kernel(const Case& node);
Findings check_forwarding(const Case& node);
Findings check_reverse_path(const Case& node);
Findings check_neighbor_table(const Case& node);
/// Entrances in a VRF, whose packets policies take like any other's.
Findings check_vrfs(const Case& node);
Findings check_other_programs(const Case& node);
Findings check_clock(const Case& node);
/// IPsec policies and netfilter's chains that repairs pass by, as the daemon has found them.
Findings check_passed_by(const Case& node);

/// All of them, the likeliest cause first.
Findings examine(const Case& node);

}  // namespace sidestep
