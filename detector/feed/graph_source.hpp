// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The source of the graph, a topology file or IS-IS, behind one question: is there a new one?
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.hpp"
#include "common/error.hpp"
#include "detector/core/config.hpp"
#include "routing/core/convergence.hpp"

namespace sidestep {

/// A graph as this node sees it, with warnings.
struct Network {
    routing::View view;
    std::vector<std::string> warnings;
};

class GraphSource {
  public:
    GraphSource() = default;
    GraphSource(const GraphSource&) = delete;
    GraphSource& operator=(const GraphSource&) = delete;
    virtual ~GraphSource() = default;

    /// Looks at the network (and may block). Returns it if it changed since the last call, else nullopt. While there is
    /// a problem every call returns it.
    virtual Result<std::optional<Network>> poll() = 0;
    /// "topology file PATH" or "IS-IS".
    [[nodiscard]] virtual std::string name() const = 0;
};

/// The source that `config.routing` names. `patience` is the time limit for each answer of IS-IS.
std::unique_ptr<GraphSource> make_graph_source(const Config& config, std::chrono::milliseconds patience);

}  // namespace sidestep
