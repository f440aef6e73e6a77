// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The subcommands themselves; network.cpp reads what they look at.
#include "cli/routing_commands.hpp"

#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cli/compute.hpp"
#include "cli/coverage.hpp"
#include "cli/disjoint.hpp"
#include "cli/explain.hpp"
#include "cli/network.hpp"

namespace sidestep::routing {
namespace {

struct Arguments : NetworkOptions {
    std::string destination;
    std::optional<Disjoint> disjoint;
    bool json = false;
};

NodeId node_of(const NetworkInput& input, const Arguments& arguments) {
    if (arguments.node.empty() && input.self) return *input.self;
    if (arguments.node.empty()) refuse_input("--node is required: the node that repairs");
    const auto node = input.graph.find_node(arguments.node);
    if (!node || input.graph.node(*node).kind == NodeKind::anycast) {
        refuse_input(fmt::format("{} has no node {}", input.name, arguments.node));
    }
    return *node;
}

void add_node(CLI::App& command, Arguments& arguments) {
    command.add_option("--node", arguments.node,
                       "the node that repairs; with --isis this router by default, with --config its node");
}

void add_disjoint(CLI::App& command, Arguments& arguments) {
    const std::map<std::string, Disjoint> kinds{
        {"link", Disjoint::link}, {"node", Disjoint::node}, {"srlg", Disjoint::srlg}};
    command
        .add_option("--disjoint", arguments.disjoint,
                    "two ways instead of repairs, for traffic that is sent twice, that share no link, no node, or no "
                    "risk group: link, node or srlg")
        ->transform(CLI::CheckedTransformer(kinds).description("KIND"));
}

}  // namespace

void add_routing_commands(CLI::App& app) {
    auto arguments = std::make_shared<Arguments>();

    auto* compute = app.add_subcommand("compute", "all TI-LFA repairs of one node");
    add_network_options(*compute, *arguments);
    add_node(*compute, *arguments);
    compute->add_flag("--json", arguments->json, "print JSON");
    add_disjoint(*compute, *arguments);
    compute->callback([arguments] {
        const auto input = load_network(*arguments);
        if (arguments->disjoint) {
            const DisjointReport report(input.graph, node_of(input, *arguments), *arguments->disjoint, input.sids);
            fmt::print("{}\n", arguments->json ? report.json() : report.text());
            return;
        }
        const Report report(input.graph, node_of(input, *arguments), input.protect, input.sids);
        fmt::print("{}\n", arguments->json ? report.json() : report.text());
    });

    auto* explain = app.add_subcommand("explain", "why a destination is protected the way it is");
    add_network_options(*explain, *arguments);
    explain->add_option("destination", arguments->destination, "a node, an address or a prefix")->required();
    add_node(*explain, *arguments);
    add_disjoint(*explain, *arguments);
    explain->callback([arguments] {
        const auto input = load_network(*arguments);
        const auto node = node_of(input, *arguments);
        const auto destination = input.graph.find_destination(arguments->destination);
        if (!destination) refuse_input(fmt::format("{} has no destination {}", input.name, arguments->destination));
        if (arguments->disjoint) {
            fmt::print("{}", explain_pair(input.graph, node, *destination, *arguments->disjoint, input.sids));
            return;
        }
        fmt::print("{}", explain_destination(input.graph, node, *destination, input.protect, input.sids));
    });

    auto* coverage = app.add_subcommand("coverage", "how much of a network is protected, over all its nodes");
    add_network_options(*coverage, *arguments);
    coverage->add_flag("--json", arguments->json, "print JSON");
    add_disjoint(*coverage, *arguments);
    coverage->callback([arguments] {
        const auto input = load_network(*arguments);
        if (arguments->disjoint) {
            const auto result = measure_disjoint(input.graph, *arguments->disjoint, input.sids);
            fmt::print("{}\n", arguments->json ? to_json(result) : to_text(result));
            return;
        }
        const auto result = measure_coverage(input.graph, input.protect, input.sids);
        fmt::print("{}\n", arguments->json ? to_json(result) : to_text(result));
    });
}

}  // namespace sidestep::routing
