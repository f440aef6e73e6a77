// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/network.hpp"

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "common/complaints.hpp"
#include "detector/config/config_file.hpp"
#include "detector/feed/computed_policies.hpp"
#include "detector/feed/graph_source.hpp"
#include "routing/io/isis_source.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep::routing {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);  // for each answer of IS-IS

void print_warnings(const std::vector<std::string>& warnings) {
    for (const auto& warning : warnings) complain(fmt::format("sidestep: warning: {}\n", warning));
}

NetworkInput load_isis(const NetworkOptions& options) {
    const auto block = Prefix::parse(options.locators);
    if (!block) refuse_input("--locators must be a prefix: " + options.locators);
    const auto database = read_isis({.socket_directory = options.vty_directory});
    if (!database) refuse_input(database.error().message);
    auto result = graph_of(*database, {.block = *block});
    print_warnings(result.warnings);
    return {.graph = std::move(result.graph), .self = result.self, .name = "the IS-IS database"};
}

NetworkInput load_topology_file(const std::string& path) {
    auto topology = load_topology(path);
    if (!topology) refuse_input(topology.error().message);
    print_warnings(topology->warnings);
    return {.graph = std::move(topology->graph), .self = std::nullopt, .name = path};
}

Config read_config(const std::string& path) {
    Complaints complaints;
    auto config = read_config_file(path, complaints);
    if (!config) refuse_input(complaints.to_string());
    if (!config->routing) refuse_input(path + " has no `routing`: use --topology FILE or --isis");
    return std::move(*config);
}

NetworkInput load_as_daemon(const Config& config) {
    auto source = make_graph_source(config, kPatience);
    auto network = source->poll();
    if (!network) refuse_input(network.error().message);
    print_warnings((*network)->warnings);
    const auto& view = (*network)->view;
    return {.graph = *view.graph, .self = view.plr, .name = source->name()};
}

/// What the configuration says, or else what the daemon takes; the command line wins.
RoutingConfig settings(RoutingConfig result, const NetworkOptions& options) {
    if (options.protect) result.protect = *options.protect;
    if (options.push) result.encap = *options.push == "insert" ? Encap::h_insert : Encap::h_encaps;
    if (options.max_sids) result.max_segments = static_cast<unsigned>(*options.max_sids);
    result.next_csid = result.next_csid || options.next_csid;
    return result;
}

}  // namespace

void refuse_input(const std::string& message) {
    complain(fmt::format("sidestep: {}\n", message));
    throw CLI::RuntimeError(kExitBadInput);
}

NetworkInput load_network(const NetworkOptions& options) {
    RoutingConfig configured;
    NetworkInput input;
    if (!options.config.empty()) {
        const auto config = read_config(options.config);
        configured = *config.routing;
        input = load_as_daemon(config);
    } else {
        input = options.isis ? load_isis(options) : load_topology_file(options.topology);
    }
    const auto chosen = settings(std::move(configured), options);
    input.protect = protection_of(chosen);
    input.sids = sid_options_of(chosen);
    return input;
}

void add_network_options(CLI::App& command, NetworkOptions& options) {
    const RoutingConfig daemon;
    auto* input = command.add_option_group("Network", "exactly one of these");
    input->add_option("--topology", options.topology, "topology file: YAML, or GML if its name ends in .gml");
    auto* isis = input->add_flag("--isis", options.isis, "the IS-IS database of this router's FRR");
    input->add_option("--config", options.config,
                      "the configuration of a sidestepd (sidestep.yaml(5)): its network, node and settings");
    input->require_option(1);
    command.add_option("--vty-directory", options.vty_directory, "directory of isisd's vty socket")->needs(isis);
    command.add_option("--locators", options.locators, "prefix that contains the 48-bit locators of IS-IS")
        ->needs(isis)
        ->capture_default_str();
    command
        .add_option("--protect", options.protect,
                    fmt::format("failure to protect against; {} unless configured otherwise", daemon.protect))
        ->check(CLI::IsMember({"link", "node", "srlg"}));
    command
        .add_option("--max-sids", options.max_sids,
                    fmt::format("maximum SID depth, decapsulation included; {} unless configured otherwise",
                                daemon.max_segments))
        ->check(CLI::Range(1, 16));
    command.add_flag("--next-csid", options.next_csid, "compress SIDs (RFC 9800)");
    command.add_option("--push", options.push, "how SIDs are pushed; encaps unless configured otherwise")
        ->check(CLI::IsMember({"encaps", "insert"}));
}

}  // namespace sidestep::routing
