// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What Sidestep protects in the rows of the repair benchmark, as the configuration of A (or of S, for sr0).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "tests/bench/rig.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// `count` different prefixes of four lengths each, the same at each call; all lie in the space beside them.
std::vector<Prefix> random_prefixes(std::size_t count);
std::string random_space();
std::vector<Prefix> random_prefixes_v4(std::size_t count);
std::string random_space_v4();
/// One address in each, as many as there are to be: they begin again where they are fewer.
std::vector<Address> destinations_in(const std::vector<Prefix>& prefixes, std::size_t count);

/// The first choice is plain forwarding over A-B, the second the detour over C with a segment list of two.
std::string one_policy(const topo::Lab& lab, const std::vector<Prefix>& prefixes);
/// The same, with programs at XDP.
std::string one_policy_at_xdp(const topo::Lab& lab, const std::vector<Prefix>& prefixes);
std::string own_policies(const topo::Lab& lab, const std::vector<Prefix>& prefixes);
/// No policy: the adjacency A-B has the detour as its bypass.
std::string bypass_only(const topo::Lab& lab);
/// S sends what is for D into its policy device, where it gets a segment list of two: A's End, B's decapsulation.
std::string policy_device(const topo::Lab& lab);

/// The same segment lists by the kernel's own means: a route of S or A `encap seg6 mode encap`.
void steer_by_seg6(const Rig& rig, const std::string& node);
/// Tells the kernel the outer source (`ip sr tunsrc`), which it looks up for each packet otherwise.
void set_seg6_source(const Rig& rig, const std::string& node);
/// A's routes over the link to B.
void add_routes(const Rig& rig, const std::vector<std::string>& prefixes);

}  // namespace sidestep::bench
