// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The topology file: nodes and links as people write them. Each complaint names its place.
//
//   nodes:
//     - {name: A, locator: "fd00:a::/48", loopback: "fd00:a::1", prefixes: ["2001:db8:a::/48"]}
//     - {name: H, kind: host, loopback: "2001:db8:1::1"}   # never transit, needs no locator
//     - {name: B, locator: "fd00:b::/48", overload: true}  # never transit
//   links:
//     - {id: A-B, ends: [A, B], metric: 10, reverse-metric: 20, srlg: [1, 7], subnet: "fd00:ff:1::/64"}
//
// `metric` counts from the first end to the second and is 10 by default; `reverse-metric` defaults to `metric`. In a
// `subnet` the first end is ::1 and the second ::2. A prefix of several nodes is anycast.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/yaml.hpp"
#include "routing/core/graph.hpp"

namespace sidestep::routing {

/// A graph with warnings, one sentence each.
struct Topology {
    Graph graph;
    std::vector<std::string> warnings;
};

/// Reads the YAML form; nullopt if there was any complaint.
std::optional<Topology> parse_topology(const std::string& text, Complaints& complaints);

/// Reads a file in the YAML form, or as GML where its name ends in ".gml". The error holds all complaints, one a line.
Result<Topology> load_topology(const std::string& path);

/// Warnings about nodes that cannot be reached from the first one.
std::vector<std::string> warn_unreachable(const Graph& graph);

}  // namespace sidestep::routing
