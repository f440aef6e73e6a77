// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gathers: the configuration, the daemon's answers, the machine in the daemon's network namespace.
#include "cli/doctor_command.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <optional>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include "cli/client.hpp"
#include "common/fd.hpp"
#include "common/run_directory.hpp"
#include "detector/config/config_file.hpp"
#include "doctor/checks.hpp"
#include "doctor/look.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

json ask(const std::string& socket, const char* command) {
    auto client = connect_as_allowed(socket);
    if (!client) return nullptr;
    auto answer = client->ask({{"command", command}});
    return answer ? std::move(*answer) : json();
}

/// The daemon's socket, if one can be told: none may run, and then the configuration is looked at alone.
std::optional<std::string> socket_of(const DaemonOptions& options, const std::optional<Config>& config) {
    if (options.socket.empty() && options.node.empty() && config) {
        const auto paths = RunDirectory(options.run_dir).of(config->node);
        return paths ? std::optional(paths->socket) : std::nullopt;
    }
    return choose_socket(options);
}

DaemonView view(const std::string& socket) {
    DaemonView daemon{.status = ask(socket, "status"), .sessions = {}, .policies = {}, .routing = {}};
    daemon.running = daemon.status.is_object();
    if (!daemon.running) return daemon;
    daemon.sessions = ask(socket, "sessions");
    daemon.policies = ask(socket, "policies");
    return daemon;
}

Config read(const std::string& file) {
    Complaints complaints;
    auto config = read_config_file(file, complaints);
    if (!config) give_up(kExitBadInput, complaints.to_string());
    return std::move(*config);
}

/// From here on this process looks at the network that the daemon is in.
void enter_network_of(const json& status) {
    const Fd network(::open(fmt::format("/proc/{}/ns/net", status.value("pid", 0)).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat theirs {};
    struct stat ours {};
    if (!network || ::fstat(network.get(), &theirs) != 0 || ::stat("/proc/self/ns/net", &ours) != 0) return;
    if (theirs.st_ino == ours.st_ino) return;
    if (::setns(network.get(), CLONE_NEWNET) != 0) {
        give_up(kExitFailure, fmt::format("the daemon is in another network namespace: run this as root, or there "
                                          "(nsenter --net=/proc/{}/ns/net)",
                                          status.value("pid", 0)));
    }
}

void examine_node(const DaemonOptions& options, const std::string& file) {
    Case node;
    if (!file.empty()) node.config = read(file);
    if (const auto socket = socket_of(options, node.config)) node.daemon = view(*socket);
    if (!node.daemon.running && !node.config) {
        give_up(kExitFailure, "no sidestepd answers: start it, or give its configuration with --config FILE");
    }
    if (node.daemon.running) {
        const auto running = node.daemon.status.value("config_file", "");
        if (!node.config && !running.empty()) node.config = read(running);
        enter_network_of(node.daemon.status);
    }
    node.machine = look(node.config ? destinations_of(*node.config) : std::vector<Address>{});
    if (!node.machine.looked) give_up(kExitFailure, "cannot look at this machine: ip(8) of iproute2 does not answer");
    const auto findings = examine(node);
    fmt::print("{}", options.json ? to_json(findings).dump(2) + '\n' : to_text(findings));
    if (const int code = exit_code_of(findings); code != 0) throw CLI::RuntimeError(code);
}

}  // namespace

void add_doctor_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto file = std::make_shared<std::string>();
    auto* const doctor =
        app.add_subcommand("doctor", "What keeps a node from working, with the commands that mend it")->fallthrough();
    doctor->add_option("--config", *file, "The node's configuration; by default that of the running daemon")
        ->type_name("FILE");
    doctor->add_flag("--json", options->json, "Print the findings as JSON");
    doctor->footer("Exit codes: 0 fine, 1 warnings, 2 errors.");
    doctor->callback([=] { examine_node(*options, *file); });
}

}  // namespace sidestep
