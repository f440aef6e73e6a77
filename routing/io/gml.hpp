// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads networks of the Internet Topology Zoo, in GML. They have places and lines but no metrics or addresses, so these
// are derived, always the same way: a metric is the great-circle distance in km (at least 1; 100 where a place has
// no coordinates), the n-th node's locator is fd00:0:<n in hex>::/48 and its loopback the locator's ::1.
#pragma once

#include <string>

#include "common/error.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep::routing {

/// Reads the GML `text` of `file`; the error names the line. A second node of the same label becomes "label#id"; the
/// second link between two nodes "A-B.2". An edge from a node to itself is left out with a warning.
Result<Topology> parse_gml(const std::string& text, const std::string& file);

}  // namespace sidestep::routing
