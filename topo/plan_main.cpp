// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sidestep-plan: prints the plan of a topology as JSON (topo/plan_json.hpp), for labs that somebody else builds.
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "routing/io/topology_file.hpp"
#include "topo/plan_json.hpp"

namespace {

int run(int argc, char** argv) {
    std::string path;
    CLI::App app{"Prints the plan of a lab as JSON: interfaces, addresses, routes and SIDs of each node.",
                 "sidestep-plan"};
    app.add_option("topology", path, "topology file, YAML or GML")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const auto topology = sidestep::routing::load_topology(path);
    if (!topology) {
        fmt::print(stderr, "{}\n", topology.error().message);
        return 2;
    }
    for (const auto& warning : topology->warnings) fmt::print(stderr, "sidestep-plan: {}\n", warning);
    const auto text = sidestep::topo::plan_json(topology->graph);
    if (!text) {
        fmt::print(stderr, "sidestep-plan: {}: {}\n", path, text.error().message);
        return 2;
    }
    fmt::print("{}", *text);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fputs(error.what(), stderr);
        return 1;
    }
}
