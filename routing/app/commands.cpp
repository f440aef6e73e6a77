// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Options of the subcommands, and the way from a file name to a graph and a node.
#include "routing/app/commands.hpp"

#include <cstdio>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "routing/app/compute.hpp"
#include "routing/app/coverage.hpp"
#include "routing/app/explain.hpp"
#include "routing/io/topology_file.hpp"

namespace sidestep::routing {
namespace {

constexpr int kBadInput = 2;

struct Arguments {
    std::string topology;
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

Graph load(const Arguments& arguments) {
    auto topology = load_topology(arguments.topology);
    if (!topology) refuse(topology.error().message);
    for (const auto& warning : topology->warnings) fmt::print(stderr, "sidestep: warning: {}\n", warning);
    return std::move(topology->graph);
}

NodeId node_of(const Graph& graph, const Arguments& arguments) {
    const auto node = graph.find_node(arguments.node);
    if (!node || graph.node(*node).kind == NodeKind::anycast) {
        refuse(fmt::format("{} has no node {}", arguments.topology, arguments.node));
    }
    return *node;
}

void add_common(CLI::App& command, Arguments& arguments) {
    command.add_option("--topology", arguments.topology, "topology file: YAML, or GML if its name ends in .gml")
        ->required();
    command.add_option("--protect", arguments.protect, "what to survive")
        ->check(CLI::IsMember({"link", "node", "srlg"}))
        ->capture_default_str();
    command.add_option("--max-sids", arguments.sids.max_depth, "maximum SID depth, decapsulation included")
        ->capture_default_str();
    command.add_flag("--next-csid", arguments.sids.next_csid, "compress SIDs (RFC 9800)");
    command.add_option("--push", arguments.push, "how SIDs get onto packets")
        ->check(CLI::IsMember({"encaps", "insert"}))
        ->capture_default_str();
}

}  // namespace

void add_routing_commands(CLI::App& app) {
    auto arguments = std::make_shared<Arguments>();

    auto* compute = app.add_subcommand("compute", "all TI-LFA repairs of one node");
    add_common(*compute, *arguments);
    compute->add_option("--node", arguments->node, "the node that repairs")->required();
    compute->add_flag("--json", arguments->json, "print JSON");
    compute->callback([arguments] {
        const auto graph = load(*arguments);
        const Report report(graph, node_of(graph, *arguments), arguments->protection(), arguments->sid_options());
        fmt::print("{}\n", arguments->json ? report.json() : report.text());
    });

    auto* explain = app.add_subcommand("explain", "why a destination is protected the way it is");
    add_common(*explain, *arguments);
    explain->add_option("destination", arguments->destination, "a node, an address or a prefix")->required();
    explain->add_option("--node", arguments->node, "the node that repairs")->required();
    explain->callback([arguments] {
        const auto graph = load(*arguments);
        const auto node = node_of(graph, *arguments);
        const auto destination = graph.find_destination(arguments->destination);
        if (!destination) refuse(fmt::format("{} has no destination {}", arguments->topology, arguments->destination));
        fmt::print("{}",
                   explain_destination(graph, node, *destination, arguments->protection(), arguments->sid_options()));
    });

    auto* coverage = app.add_subcommand("coverage", "how much of a network is protected, over all its nodes");
    add_common(*coverage, *arguments);
    coverage->add_flag("--json", arguments->json, "print JSON");
    coverage->callback([arguments] {
        const auto graph = load(*arguments);
        const auto result = measure_coverage(graph, arguments->protection(), arguments->sid_options());
        fmt::print("{}\n", arguments->json ? to_json(result) : to_text(result));
    });
}

}  // namespace sidestep::routing
