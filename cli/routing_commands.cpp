// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Options of the subcommands, and reading a graph and a node from a file or a routing daemon.
#include "cli/routing_commands.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "cli/compute.hpp"
#include "cli/coverage.hpp"
#include "cli/explain.hpp"
#include "routing/io/isis_source.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep::routing {
namespace {

constexpr int kBadInput = 2;

struct Arguments {
    std::string topology;
    bool isis = false;
    std::string vty_directory;
    std::string locators = "fc00::/7";
    std::string node;
    std::string destination;
    std::string protect = "link";
    std::string push = "encaps";
    SidOptions sids;
    bool json = false;

    [[nodiscard]] Protect protection() const {
        if (protect == "node") return Protect::node;
        return protect == "srlg" ? Protect::srlg : Protect::link;
    }
    [[nodiscard]] SidOptions sid_options() const {
        auto options = sids;
        options.push = push == "insert" ? Push::insert : Push::encaps;
        return options;
    }
};

[[noreturn]] void refuse(const std::string& message) {
    fmt::print(stderr, "sidestep: {}\n", message);
    throw CLI::RuntimeError(kBadInput);
}

/// A graph, the router that was asked (if any), and the source's name for complaints.
struct Input {
    Graph graph;
    std::optional<NodeId> self;
    std::string name;
};

Input load_isis(const Arguments& arguments) {
    const auto block = Prefix::parse(arguments.locators);
    if (!block) refuse("--locators must be a prefix: " + arguments.locators);
    const auto database = read_isis({.socket_directory = arguments.vty_directory});
    if (!database) refuse(database.error().message);
    auto result = graph_of(*database, {.block = *block});
    for (const auto& warning : result.warnings) fmt::print(stderr, "sidestep: warning: {}\n", warning);
    return {.graph = std::move(result.graph), .self = result.self, .name = "the IS-IS database"};
}

Input load(const Arguments& arguments) {
    if (arguments.isis) return load_isis(arguments);
    auto topology = load_topology(arguments.topology);
    if (!topology) refuse(topology.error().message);
    for (const auto& warning : topology->warnings) fmt::print(stderr, "sidestep: warning: {}\n", warning);
    return {.graph = std::move(topology->graph), .self = std::nullopt, .name = arguments.topology};
}

NodeId node_of(const Input& input, const Arguments& arguments) {
    if (arguments.node.empty() && input.self) return *input.self;
    if (arguments.node.empty()) refuse("--node is required: the node that repairs");
    const auto node = input.graph.find_node(arguments.node);
    if (!node || input.graph.node(*node).kind == NodeKind::anycast) {
        refuse(fmt::format("{} has no node {}", input.name, arguments.node));
    }
    return *node;
}

void add_input(CLI::App& command, Arguments& arguments) {
    auto* input = command.add_option_group("Network", "exactly one of these");
    input->add_option("--topology", arguments.topology, "topology file: YAML, or GML if its name ends in .gml");
    auto* isis = input->add_flag("--isis", arguments.isis, "the IS-IS database of this router's FRR");
    input->require_option(1);
    command.add_option("--vty-directory", arguments.vty_directory, "directory of isisd's vty socket")->needs(isis);
    command.add_option("--locators", arguments.locators, "prefix that contains the 48-bit locators of IS-IS")
        ->needs(isis)
        ->capture_default_str();
}

void add_node(CLI::App& command, Arguments& arguments) {
    command.add_option("--node", arguments.node, "the node that repairs; with --isis, this router by default");
}

void add_common(CLI::App& command, Arguments& arguments) {
    add_input(command, arguments);
    command.add_option("--protect", arguments.protect, "failure to protect against")
        ->check(CLI::IsMember({"link", "node", "srlg"}))
        ->capture_default_str();
    command.add_option("--max-sids", arguments.sids.max_depth, "maximum SID depth, decapsulation included")
        ->capture_default_str();
    command.add_flag("--next-csid", arguments.sids.next_csid, "compress SIDs (RFC 9800)");
    command.add_option("--push", arguments.push, "how SIDs are pushed")
        ->check(CLI::IsMember({"encaps", "insert"}))
        ->capture_default_str();
}

}  // namespace

void add_routing_commands(CLI::App& app) {
    auto arguments = std::make_shared<Arguments>();

    auto* compute = app.add_subcommand("compute", "all TI-LFA repairs of one node");
    add_common(*compute, *arguments);
    add_node(*compute, *arguments);
    compute->add_flag("--json", arguments->json, "print JSON");
    compute->callback([arguments] {
        const auto input = load(*arguments);
        const Report report(input.graph, node_of(input, *arguments), arguments->protection(), arguments->sid_options());
        fmt::print("{}\n", arguments->json ? report.json() : report.text());
    });

    auto* explain = app.add_subcommand("explain", "why a destination is protected the way it is");
    add_common(*explain, *arguments);
    explain->add_option("destination", arguments->destination, "a node, an address or a prefix")->required();
    add_node(*explain, *arguments);
    explain->callback([arguments] {
        const auto input = load(*arguments);
        const auto node = node_of(input, *arguments);
        const auto destination = input.graph.find_destination(arguments->destination);
        if (!destination) refuse(fmt::format("{} has no destination {}", input.name, arguments->destination));
        fmt::print("{}", explain_destination(input.graph, node, *destination, arguments->protection(),
                                             arguments->sid_options()));
    });

    auto* coverage = app.add_subcommand("coverage", "how much of a network is protected, over all its nodes");
    add_common(*coverage, *arguments);
    coverage->add_flag("--json", arguments->json, "print JSON");
    coverage->callback([arguments] {
        const auto input = load(*arguments);
        const auto result = measure_coverage(input.graph, arguments->protection(), arguments->sid_options());
        fmt::print("{}\n", arguments->json ? to_json(result) : to_text(result));
    });
}

}  // namespace sidestep::routing
