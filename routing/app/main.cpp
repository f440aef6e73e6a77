// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The routing subcommands as a program of their own, for tests that run before and without the rest.
#include "routing/app/commands.hpp"

int main(int argc, char** argv) {
    CLI::App app{"TI-LFA repairs of a topology"};
    app.require_subcommand(1);
    sidestep::routing::add_routing_commands(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return 0;
}
