// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The plan of a lab as JSON, for builders in other languages (topo/sidestep_lab). Pure.
//
//   {"route_metric", "sid_device",
//    "nodes": [{"name", "router", "address", "address_v4", "loopback", "locator", "announce", "prefixes",
//               "sysctls": {path below /proc/sys: value}, "batch": text for `ip -batch` inside the node}],
//    "links": [{"id", "ends": [node, node], "metrics": [there, back], "srlgs": [number],
//               "interfaces": [{"name", "ifindex", "mac", "address", "link_local"}, ...],
//               "create": line for `ip -batch`, with {0} and {1} in place of the namespaces}]}
//
// What a node does not have is null. Anycast nodes and their links exist in the graph only and are left out.
#pragma once

#include <string>

#include "common/error.hpp"
#include "routing/core/graph.hpp"

namespace sidestep::topo {

Result<std::string> plan_json(const routing::Graph& graph);

}  // namespace sidestep::topo
