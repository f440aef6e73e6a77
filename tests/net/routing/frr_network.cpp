// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Starts zebra and isisd in each namespace, and ends them by the process IDs in their own pid files.
#include "tests/net/routing/frr_network.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "routing/io/command.hpp"

namespace sidestep::routing {
namespace {

using namespace std::chrono_literals;

Result<void> run(const std::vector<std::string>& arguments) {
    const auto output = run_command(arguments, 10s);
    if (!output) return std::unexpected(output.error());
    if (output->exit_code == 0) return {};
    return fail(fmt::format("{}: {}", fmt::join(arguments, " "), output->err));
}

/// Runs the commands one after the other, until one fails.
Result<void> run_all(const std::vector<std::vector<std::string>>& commands) {
    for (const auto& command : commands) {
        if (auto result = run(command); !result) return result;
    }
    return {};
}

}  // namespace

std::string FrrNetwork::missing() {
    if (::geteuid() != 0) return "needs root";
    if (!std::filesystem::exists("/usr/lib/frr/isisd") || ::getpwnam("frr") == nullptr) return "FRR is not installed";
    const auto probe = fmt::format("sidestep-frr-{}", ::getpid());
    if (auto added = run({"ip", "netns", "add", probe}); !added)
        return "no network namespaces: " + added.error().message;
    (void)run({"ip", "netns", "del", probe});
    return "";
}

FrrNetwork::FrrNetwork() {
    // Socket paths must be short (sun_path), so they are not below a long TMPDIR.
    std::string pattern = "/tmp/sidestep-frr-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
}

FrrNetwork::~FrrNetwork() {
    for (const auto router : routers_) {
        stop(directory_ / name(router) / "isisd.pid");
        stop(directory_ / name(router) / "zebra.pid");
        (void)run({"ip", "netns", "del", netns(router)});
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string FrrNetwork::netns(int router) const {
    return fmt::format("sidestep-frr-{}-{}", ::getpid(), router);
}

Result<void> FrrNetwork::start(int routers, const std::vector<std::pair<int, int>>& links) {
    if (directory_.empty()) return fail_errno("mkdtemp");
    for (int router = 1; router <= routers; ++router) {
        const auto ns = netns(router);
        routers_.push_back(router);
        auto created = run_all({
            {"ip", "netns", "add", ns},
            {"ip", "netns", "exec", ns, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1",
             "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"},
            {"ip", "-n", ns, "link", "set", "dev", "lo", "up"},
            {"ip", "-n", ns, "addr", "add", fmt::format("fd00:0:{:x}::1/128", router), "dev", "lo"},
            {"ip", "-n", ns, "addr", "add", fmt::format("fd00:0:{:x}:ffff::1/48", router), "dev", "lo"},
        });
        if (!created) return created;
    }
    for (std::size_t n = 0; n < links.size(); ++n) {
        if (auto added = add_link(n, links[n].first, links[n].second); !added) return added;
    }
    for (const auto router : routers_) {
        if (auto started = start_daemons(router); !started) return started;
    }
    return {};
}

Result<void> FrrNetwork::add_link(std::size_t n, int a, int b) {
    const auto one = fmt::format("l{}a", n);
    const auto other = fmt::format("l{}b", n);
    // Equal indices at both ends would delay carrier changes.
    const auto index = 9000 + 2 * static_cast<int>(n);
    interfaces_.push_back({.router = a, .name = one});
    interfaces_.push_back({.router = b, .name = other});
    return run_all({
        {"ip", "-n", netns(a), "link", "add", "name", one, "index", std::to_string(index), "type", "veth", "peer",
         "name", other, "index", std::to_string(index + 1), "netns", netns(b)},
        {"ip", "-n", netns(a), "link", "set", "dev", one, "up"},
        {"ip", "-n", netns(b), "link", "set", "dev", other, "up"},
    });
}

Result<void> FrrNetwork::start_daemons(int router) {
    const auto directory = directory_ / name(router);
    std::filesystem::create_directory(directory);
    std::ofstream zebra(directory / "zebra.conf");
    zebra << "hostname " << name(router) << "\n";
    zebra.close();
    std::ofstream isis(directory / "isisd.conf");
    isis << "hostname " << name(router) << "\n";
    for (const auto& interface : interfaces_) {
        if (interface.router != router) continue;
        isis << "interface " << interface.name
             << "\n ipv6 router isis lab\n isis network point-to-point\n isis hello-interval 1\n";
    }
    isis << "interface lo\n ipv6 router isis lab\n isis passive\n"
         << "router isis lab\n lsp-gen-interval 1\n spf-interval 1\n is-type level-2-only\n metric-style wide\n"
         << fmt::format(" net 49.0001.0000.0000.{:04x}.00\n", router);
    isis.close();
    const auto* frr = ::getpwnam("frr");
    for (const auto& path : {directory_, directory, directory / "zebra.conf", directory / "isisd.conf"}) {
        if (frr == nullptr || ::chown(path.c_str(), frr->pw_uid, frr->pw_gid) != 0) return fail_errno(path);
    }
    for (const std::string daemon : {"zebra", "isisd"}) {
        auto started = run({"ip", "netns", "exec", netns(router), "/usr/lib/frr/" + daemon, "-d", "-f",
                            directory / (daemon + ".conf"), "-i", directory / (daemon + ".pid"), "-z",
                            directory / "zserv.api", "--vty_socket", directory, "-P", "0"});
        if (!started) return started;
    }
    return {};
}

Result<void> FrrNetwork::set_link(std::size_t n, bool up) {
    const auto& interface = interfaces_.at(2 * n);
    return run({"ip", "-n", netns(interface.router), "link", "set", "dev", interface.name, up ? "up" : "down"});
}

void FrrNetwork::stop_isisd(int router) {
    stop(directory_ / name(router) / "isisd.pid");
}

void FrrNetwork::stop(const std::filesystem::path& pid_file) {
    pid_t pid = 0;
    std::ifstream(pid_file) >> pid;
    if (pid <= 1) return;
    ::kill(pid, SIGTERM);
    for (int i = 0; i < 100 && std::filesystem::exists(pid_file) && ::kill(pid, 0) == 0; ++i) {
        std::this_thread::sleep_for(20ms);
    }
    std::error_code ignored;
    std::filesystem::remove(pid_file, ignored);
}

}  // namespace sidestep::routing
