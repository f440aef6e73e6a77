// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/init_command.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/daemon_options.hpp"
#include "common/counted.hpp"
#include "common/file.hpp"
#include "common/run_directory.hpp"
#include "detector/config/config_file.hpp"
#include "doctor/look.hpp"
#include "doctor/proposal.hpp"
#include "routing/io/isis_source.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep {
namespace {

struct InitOptions {
    std::string topology;
    std::string node;
    std::string output;
};

Result<Proposal> from_topology(const InitOptions& options) {
    const auto topology = routing::load_topology(options.topology);
    if (!topology) give_up(kExitBadInput, topology.error().message);
    const auto node = topology->graph.find_node(options.node);
    if (!node) give_up(kExitBadInput, fmt::format("{} has no node {}", options.topology, options.node));
    return propose(topology->graph, *node, std::filesystem::absolute(options.topology).lexically_normal().string());
}

Result<Proposal> from_machine(const InitOptions& options) {
    auto machine = look({});
    if (!machine.looked) give_up(kExitFailure, "cannot look at this machine: ip(8) of iproute2 does not answer");
    machine.isis = routing::read_isis({}).has_value();
    return propose(machine, options.node);
}

void init(const InitOptions& options) {
    if (!options.node.empty() && !is_node_name(options.node))
        give_up(kExitBadInput, "--node: a name has 1 to 32 letters, digits, dots, underscores or hyphens");
    const auto proposal = options.topology.empty() ? from_machine(options) : from_topology(options);
    if (!proposal) give_up(kExitFailure, proposal.error().message);
    const auto text = to_yaml(*proposal);
    if (options.output.empty()) {
        fmt::print("{}", text);
        return;
    }
    const auto present = read_file(options.output);
    if (std::filesystem::exists(options.output) && !(present && configures_nothing(*present)))
        give_up(kExitFailure, options.output + " exists already, and stays as it is: name another file, or remove it");
    if (const auto written = replace_file(options.output, text); !written)
        give_up(kExitFailure, written.error().message);
    fmt::print("{}: {}{}; look through it, then: sidestep check {}\n", options.output,
               counted(proposal->links.size(), "adjacency", "adjacencies"),
               proposal->routing.empty() ? "" : ", policies are computed", options.output);
}

}  // namespace

void add_init_command(CLI::App& app) {
    const auto options = std::make_shared<InitOptions>();
    auto* const command = app.add_subcommand(
        "init", "Write a first configuration, from the interfaces, neighbors and routes of this machine");
    auto* const topology = command->add_option("--topology", options->topology,
                                               "From a topology file instead (sidestep-topology(5)), for its --node");
    auto* const node = command->add_option("--node", options->node, "The node's name; by default the host name");
    topology->needs(node);
    command->add_option("-o,--output", options->output,
                        "Write to this file, new or without anything but comments, instead of standard output");
    command->callback([=] { init(*options); });
}

}  // namespace sidestep
