// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks at this machine, with ip(8) and tc(8) and in /proc/sys, in the network namespace of the calling thread. Reads
// only.
#pragma once

#include <string>
#include <vector>

#include "doctor/machine.hpp"

namespace sidestep {

/// `destinations` are looked up in the routing tables. What cannot be read is left out.
Machine look(const std::vector<Address>& destinations);

/// The routes of the main tables, both families; empty if ip(8) does not answer.
std::vector<SeenRoute> look_at_routes();

/// What a configuration makes worth looking up: its SIDs and its prefixes.
std::vector<Address> destinations_of(const Config& config);

// Pure: what the programs print, as data.

void read_interfaces(const nlohmann::json& ip_address, Machine& machine);
void read_neighbors(const nlohmann::json& ip_neighbor, Machine& machine);
/// Whether there are rules beside those that the kernel makes itself.
bool has_rules(const nlohmann::json& ip_rule);
std::vector<SeenRoute> read_routes(const nlohmann::json& ip_route);
/// Filters at ingress that are not ours.
std::vector<std::string> read_filters(const nlohmann::json& tc_filter);

}  // namespace sidestep
