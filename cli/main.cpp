// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The program `sidestep`: gathers the subcommands of every part and turns their exceptions into exit codes.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "cli/init_command.hpp"
#include "cli/routing_commands.hpp"

namespace {

std::vector<std::string> names_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

int run(int argc, char** argv) {
    CLI::App app{
        "SRv6 fast reroute and failure detection: inspect a running sidestepd, check a configuration, compute backups.",
        "sidestep"};
    app.set_version_flag("--version", "sidestep " SIDESTEP_VERSION);
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.require_subcommand(0, 1);
    app.footer(
        "Exit codes: 0 success, 1 failure (is sidestepd running?), 2 wrong arguments or bad input.\n"
        "See sidestep(8), sidestepd(8), sidestep.yaml(5).");

    sidestep::add_daemon_commands(app);
    sidestep::add_init_command(app);
    sidestep::add_exporter_command(app);
    sidestep::add_check_command(app);
    sidestep::add_replay_command(app);
    sidestep::routing::add_routing_commands(app);

    try {
        app.parse(argc, argv);
    } catch (const CLI::RuntimeError& error) {
        return error.get_exit_code();
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error) == 0 ? sidestep::kExitFine : sidestep::kExitBadInput;
        if (app.get_subcommands().empty() && code != sidestep::kExitFine)
            sidestep::complain(fmt::format("The commands are: {}\n", fmt::join(names_of(app), ", ")));
        return code;
    }
    if (app.get_subcommands().empty()) {
        sidestep::complain(app.help());
        return sidestep::kExitBadInput;
    }
    return sidestep::kExitFine;
}

/// Lost output, for example on a full disk, is a failure even if the command succeeded.
int flushed(int code) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    sidestep::complain("sidestep: cannot write to standard output\n");
    return code == sidestep::kExitFine ? sidestep::kExitFailure : code;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return flushed(run(argc, argv));
    } catch (const std::exception& error) {
        sidestep::complain(fmt::format("sidestep: {}\n", error.what()));
        return sidestep::kExitFailure;
    }
}
