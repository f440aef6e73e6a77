// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/bfd/frr_node.hpp"

#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "topo/wait.hpp"

namespace sidestep::topo {

std::string FrrNode::missing() {
    if (::geteuid() != 0) return "needs root";
    for (const char* daemon : {"zebra", "bfdd", "isisd"}) {
        if (::access(fmt::format("/usr/lib/frr/{}", daemon).c_str(), X_OK) != 0)
            return fmt::format("FRR's {} (package frr) is not installed", daemon);
    }
    return ::getpwnam("frr") == nullptr ? "FRR (package frr) is not configured: no user frr" : "";
}

FrrNode::FrrNode(const Lab& lab, std::string node, bool speaks) : lab_(lab), node_(std::move(node)), speaks_(speaks) {
    std::string pattern = "/tmp/sidestep-bfd-XXXXXX";  // only root can enter the lab's own directory
    if (::mkdtemp(pattern.data()) == nullptr) return;
    directory_ = pattern;
    const auto* user = ::getpwnam("frr");
    if (user != nullptr) (void)!::chown(directory_.c_str(), user->pw_uid, user->pw_gid);
}

FrrNode::~FrrNode() {
    for (auto& [name, daemon] : daemons_) daemon.stop();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Result<void> FrrNode::start(const std::string& daemon, const std::string& config) {
    const auto file = directory_ / (daemon + ".conf");
    std::ofstream(file) << "hostname " << node_ << "\nlog file " << log_file(daemon) << "\nlog timestamp precision 6\n"
                        << config;
    const auto* user = ::getpwnam("frr");
    if (user == nullptr || ::chown(file.c_str(), user->pw_uid, user->pw_gid) != 0) return fail_errno(file);
    return launch(daemon);
}

Result<void> FrrNode::launch(const std::string& daemon) {
    std::vector<std::string> command{"env",
                                     "TZ=UTC",
                                     "/usr/lib/frr/" + daemon,
                                     "-f",
                                     directory_ / (daemon + ".conf"),
                                     "-i",
                                     directory_ / (daemon + ".pid"),
                                     "-z",
                                     directory_ / "zserv.api",
                                     "--vty_socket",
                                     directory_,
                                     "-P",
                                     "0"};
    if (daemon == "bfdd") {
        command.insert(command.end(), {"--bfdctl", directory_ / "bfdctl.sock"});
        if (!speaks_) command.insert(command.end(), {"--dplaneaddr", "unix:" + dplane()});
    }
    auto process = lab_.spawn(node_, command);
    if (!process) return std::unexpected(process.error());
    daemons_.insert_or_assign(daemon, std::move(*process));
    const bool answers = wait_for(std::chrono::seconds(10),
                                  [&] { return vtysh(daemon, "show version").find("FRRouting") != std::string::npos; });
    if (answers) return {};
    return fail(daemon + " does not answer: " + daemons_.at(daemon).output());
}

void FrrNode::kill(const std::string& daemon) {
    auto& process = daemons_.at(daemon);
    process.signal(SIGKILL);
    (void)process.wait(std::chrono::seconds(5));
}

Result<void> FrrNode::start_again(const std::string& daemon) {
    return launch(daemon);
}

std::string FrrNode::log(const std::string& daemon) const {
    const std::ifstream file(log_file(daemon));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string FrrNode::vtysh(const std::string& daemon, const std::vector<std::string>& commands) const {
    std::vector<std::string> call{"vtysh", "--vty_socket", directory_, "-d", daemon};
    for (const auto& command : commands) call.insert(call.end(), {"-c", command});
    const auto output = run(call);
    return output ? *output : "";
}

nlohmann::json FrrNode::vtysh_json(const std::string& daemon, const std::string& command) const {
    auto answer = nlohmann::json::parse(vtysh(daemon, command), nullptr, false);
    return answer.is_discarded() ? nlohmann::json() : answer;
}

}  // namespace sidestep::topo
