// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/daemon_options.hpp"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "cli/client.hpp"
#include "cli/complain.hpp"
#include "common/run_directory.hpp"

namespace sidestep {
namespace {

/// "A, B"
std::string nodes_of(const std::vector<std::string>& sockets) {
    std::string nodes;
    for (const auto& socket : sockets)
        nodes += (nodes.empty() ? "" : ", ") + std::filesystem::path(socket).stem().string();
    return nodes;
}

}  // namespace

void give_up(ExitCode code, const std::string& message) {
    complain(fmt::format("sidestep: {}\n", message));
    throw CLI::RuntimeError(code);
}

bool is_absent(const std::string& socket) {
    std::error_code unseen;
    return std::filesystem::status(socket, unseen).type() == std::filesystem::file_type::not_found;
}

std::string choose_socket(const DaemonOptions& options, ExitCode without_daemon, ExitCode with_several) {
    if (!options.socket.empty()) return options.socket;
    if (!options.node.empty()) {
        const auto paths = RunDirectory(options.run_dir).of(options.node);
        if (!paths) give_up(kExitBadInput, "--node: " + paths.error().message);
        if (!is_absent(paths->socket)) return paths->socket;
        const auto others = nodes_of(find_sockets(options.run_dir));
        if (others.empty()) return paths->socket;
        give_up(without_daemon,
                fmt::format("no sidestepd runs here for node {}; those that run: {}", options.node, others));
    }
    const auto sockets = find_sockets(options.run_dir);
    if (sockets.size() == 1) return sockets.front();
    if (sockets.empty()) {
        give_up(without_daemon,
                "no sidestepd runs here: no socket in " + options.run_dir + "; start it with: sidestepd --config FILE");
    }
    give_up(with_several, "several nodes run here; choose one with --node: " + nodes_of(sockets));
}

}  // namespace sidestep
