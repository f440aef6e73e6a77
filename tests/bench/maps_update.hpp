// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How long a change of one link takes until its policies are in force in the maps.
#pragma once

#include "routing/core/graph.hpp"
#include "tests/bench/report.hpp"

namespace sidestep::bench {

/// Changes the metric of one link after the other in `graph`, as seen by node 0: graph in, bank flipped. Needs root;
/// where the maps cannot be had the row says why and misses its bar.
Row measure_maps_update(const routing::Graph& graph, std::size_t samples);

}  // namespace sidestep::bench
