// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The network that `compute`, `explain` and `coverage` look at, and the settings of the repairs: from a topology file,
// from IS-IS, or as the daemon would by a configuration file. What the command line does not say is as in the daemon.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "routing/core/graph.hpp"
#include "routing/core/segment_list.hpp"
#include "routing/core/tilfa.hpp"

namespace sidestep::routing {

/// What the command line says; the rest is empty.
struct NetworkOptions {
    std::string topology;
    bool isis = false;
    std::string config;  ///< of the daemon
    std::string vty_directory;
    std::string locators = "fc00::/7";
    std::string node;
    std::optional<std::string> protect;
    std::optional<std::string> push;
    std::optional<std::size_t> max_sids;
    bool next_csid = false;
};

/// A graph, the router that was asked (if any), the source's name for complaints, and how to repair.
struct NetworkInput {
    Graph graph;
    std::optional<NodeId> self;
    std::string name;
    Protect protect = Protect::node;
    SidOptions sids{};
};

void add_network_options(CLI::App& command, NetworkOptions& options);

/// Prints warnings to stderr. What cannot be read ends the command with exit code 2.
NetworkInput load_network(const NetworkOptions& options);

/// Ends the command with exit code 2 and this sentence.
[[noreturn]] void refuse_input(const std::string& message);

}  // namespace sidestep::routing
