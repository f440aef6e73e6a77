// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep exporter` starts the program sidestep-exporter, which is a package of its own: it needs a web server.
#include "cli/exporter_command.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/complain.hpp"

namespace sidestep {
namespace {

constexpr auto kProgram = "sidestep-exporter";

/// Beside this program, or where the package puts it; else PATH decides.
std::string find_program() {
    std::error_code ignored;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    for (const auto& at : {folder / kProgram, folder.parent_path() / "bin" / kProgram}) {
        if (std::filesystem::exists(at, ignored)) return at.string();
    }
    return kProgram;
}

bool has_option(const std::vector<std::string>& arguments, const std::string& name) {
    return std::ranges::any_of(arguments,
                               [&](const std::string& one) { return one == name || one.starts_with(name + '='); });
}

}  // namespace

std::vector<std::string> exporter_arguments(const CLI::App& app, const std::vector<std::string>& own) {
    std::vector<std::string> arguments;
    for (const auto* name : {"--run-dir", "--node"}) {
        const auto* option = app.get_option(name);
        if (option->count() > 0 && !has_option(own, name))
            arguments.insert(arguments.end(), {name, option->as<std::string>()});
    }
    arguments.insert(arguments.end(), own.begin(), own.end());
    return arguments;
}

void add_exporter_command(CLI::App& app) {
    auto* const command = app.add_subcommand("exporter", "Serve metrics of the daemons for Prometheus");
    command->prefix_command();
    command->set_help_flag();  // its own program has the options
    command->callback([&app, command] {
        auto arguments = exporter_arguments(app, command->remaining());
        arguments.insert(arguments.begin(), kProgram);
        std::vector<char*> pointers;
        for (auto& argument : arguments) pointers.push_back(argument.data());
        pointers.push_back(nullptr);
        ::execvp(find_program().c_str(), pointers.data());
        complain(fmt::format("sidestep: cannot start {}: install the package of that name\n", kProgram));
        throw CLI::RuntimeError(kExitFailure);
    });
}

}  // namespace sidestep
