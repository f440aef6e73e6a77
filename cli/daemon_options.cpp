// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/daemon_options.hpp"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/complain.hpp"
#include "common/run_directory.hpp"

namespace sidestep {

void give_up(ExitCode code, const std::string& message) {
    complain(fmt::format("sidestep: {}\n", message));
    throw CLI::RuntimeError(code);
}

std::string choose_socket(const DaemonOptions& options, ExitCode without_daemon) {
    if (!options.socket.empty()) return options.socket;
    if (!options.node.empty()) {
        const auto paths = RunDirectory(options.run_dir).of(options.node);
        if (!paths) give_up(kExitBadInput, "--node: " + paths.error().message);
        return paths->socket;
    }
    const auto sockets = find_sockets(options.run_dir);
    if (sockets.size() == 1) return sockets.front();
    if (sockets.empty()) {
        give_up(without_daemon,
                "no sidestepd runs here: no socket in " + options.run_dir + "; start it with: sidestepd --config FILE");
    }
    std::string nodes;
    for (const auto& socket : sockets) {
        nodes += (nodes.empty() ? "" : ", ") + std::filesystem::path(socket).stem().string();
    }
    give_up(kExitBadInput, "several nodes run here; choose one with --node: " + nodes);
}

}  // namespace sidestep
