// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Gathers: the configuration, the daemon's answers, the machine in the daemon's network namespace.
#include "cli/doctor_command.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/ask.hpp"
#include "cli/client.hpp"
#include "cli/daemon_network.hpp"
#include "common/run_directory.hpp"
#include "detector/config/config_file.hpp"
#include "doctor/checks.hpp"
#include "doctor/look.hpp"
#include "doctor/send_trials.hpp"

namespace sidestep {
namespace {

using nlohmann::json;

/// The daemon's socket, if one can be told: none may run, and then the configuration is looked at alone.
std::optional<std::string> socket_of(const DaemonOptions& options, const std::optional<Config>& config) {
    if (options.socket.empty() && options.node.empty() && config) {
        const auto paths = RunDirectory(options.run_dir).of(config->node);
        return !paths || is_absent(paths->socket) ? std::nullopt : std::optional(paths->socket);
    }
    return choose_socket(options, kExitUnknown, kExitUnknown);
}

/// In the first moments, a session that has not been proven has not failed either.
bool is_young(const json& status) {
    constexpr auto kYoung = std::chrono::seconds(3);
    const auto uptime = std::chrono::milliseconds(static_cast<std::int64_t>(status.value("uptime_ms", 0.0)));
    return uptime < kYoung && status.value("sessions", json::object()).value("init", 0) > 0;
}

/// Waits until the daemon's sessions can be judged.
DaemonView view(const std::string& socket) {
    DaemonView daemon;
    auto client = connect_as_allowed(socket);
    auto status = client ? client->ask({{"command", "status"}}) : std::unexpected(client.error());
    while (status && is_young(*status)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        status = client->ask({{"command", "status"}});
    }
    daemon.running = status.has_value();
    if (!daemon.running) {
        daemon.silence = status.error().message;
        return daemon;
    }
    daemon.status = std::move(*status);
    daemon.sessions = client->ask({{"command", "sessions"}}).value_or(json());
    daemon.policies = client->ask({{"command", "policies"}}).value_or(json());
    daemon.routing = client->ask({{"command", "routing"}}).value_or(json());
    return daemon;
}

/// The file that the daemon runs by may have been changed, or be gone: that does not keep it from running.
void read_present(const std::string& file, Case& node) {
    node.config = read_config_file(file, node.complaints);
    node.hidden = !node.config && ::access(file.c_str(), R_OK) != 0 && errno == EACCES;
}

void read_named(const std::string& file, Case& node) {
    read_present(file, node);
    if (!node.config) give_up(kExitBadInput, node.complaints.to_string());
}

/// Without the right to send, what is behind the first links stays believed.
void try_backups(Case& node) {
    if (auto tried = try_lists(node)) node.tried = std::move(*tried);
}

/// Routers may have answered packets of the trials, and the daemon hears them.
void hear_of_trials(const std::string& socket, DaemonView& daemon) {
    auto client = connect_as_allowed(socket);
    if (!client) return;
    if (auto status = client->ask({{"command", "status"}})) daemon.status = std::move(*status);
    if (auto policies = client->ask({{"command", "policies"}})) daemon.policies = std::move(*policies);
}

void examine_node(const DaemonOptions& options, const std::string& file, bool quiet) {
    Case node;
    if (!file.empty()) read_named(file, node);
    const auto socket = socket_of(options, node.config);
    if (socket) node.daemon = view(*socket);
    if (!node.daemon.running && !node.config)
        give_up(kExitUnknown, node.daemon.silence + "; --config FILE checks a configuration alone");
    if (node.daemon.running) {
        const auto running = node.daemon.status.value("config_file", "");
        if (file.empty() && !running.empty()) read_present(running, node);
        enter_network_of(node.daemon.status, kExitUnknown);
    }
    node.machine = look(node.config ? destinations_of(*node.config) : std::vector<Address>{});
    if (!node.machine.looked) give_up(kExitUnknown, "cannot look at this machine: ip(8) of iproute2 does not answer");
    if (!quiet) try_backups(node);
    if (!node.tried.empty() && node.daemon.running) hear_of_trials(*socket, node.daemon);
    const auto findings = examine(node);
    print(options.json ? json_text(to_json(findings), 2) : to_text(findings));
    if (const int code = exit_code_of(findings); code != 0) throw CLI::RuntimeError(code);
}

}  // namespace

void add_doctor_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto file = std::make_shared<std::string>();
    const auto quiet = std::make_shared<bool>(false);
    auto* const doctor =
        app.add_subcommand("doctor", "What keeps a node from working, with the commands that mend it")->fallthrough();
    doctor->add_option("--config", *file, "The node's configuration; by default that of the running daemon")
        ->type_name("FILE");
    doctor->add_flag("--quiet", *quiet,
                     "Send nothing: without it, packets go by each backup that is not probed, and back");
    doctor->add_flag("--json", options->json, "Print the findings as JSON");
    doctor->footer("Exit codes: 0 fine, 1 warnings, 2 errors, 3 it could not look.");
    doctor->callback([=] { examine_node(*options, *file, *quiet); });
}

}  // namespace sidestep
