// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/daemon.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fd.hpp"
#include "common/neighbor_table.hpp"
#include "topo/wait.hpp"
#include "topo/why_not_up.hpp"

namespace sidestep::topo {
namespace {

constexpr timeval kAnswerPatience{.tv_sec = 2, .tv_usec = 0};

Result<Fd> connect_to_path(const std::string& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot open a Unix socket for sidestepd");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(path + " is too long for a Unix socket (107 characters)");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerPatience, sizeof kAnswerPatience);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail_errno(path);
    return socket;
}

Result<std::string> read_line(int socket) {
    std::string line;
    std::array<char, 4096> chunk{};
    while (line.find('\n') == std::string::npos) {
        const auto got = ::recv(socket, chunk.data(), chunk.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("no answer from sidestepd");
        if (got == 0) return fail("sidestepd closed the connection without an answer");
        line.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return line;
}

bool all_up(const nlohmann::json& answer) {
    const auto sessions = answer.value("sessions", nlohmann::json::array());
    return !sessions.empty() && std::ranges::all_of(sessions, [](const nlohmann::json& session) {
        return session.value("state", "") == "up";
    });
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "it wrote nothing";
    const auto begin = text.rfind('\n', end);
    const auto first = begin == std::string::npos ? 0 : begin + 1;
    return text.substr(first, end - first + 1);
}

}  // namespace

Result<std::string> Daemon::executable() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    for (const auto& folder : {self.parent_path(), self.parent_path().parent_path() / "bin"}) {
        if (std::filesystem::exists(folder / "sidestepd", error)) return (folder / "sidestepd").string();
    }
    return fail("no sidestepd next to " + self.string() + ": build it first (./run build)");
}

Result<Daemon> Daemon::start(const Lab& lab, const std::string& node, const std::string& config) {
    const auto program = executable();
    if (!program) return std::unexpected(program.error());
    // Each daemon has its own run directory, since it mounts a bpffs in it.
    const auto run_dir = lab.directory() + "/" + node;
    std::error_code error;
    std::filesystem::create_directory(run_dir, error);
    if (error) return fail("cannot create " + run_dir + ": " + error.message());
    const auto stem = run_dir + "/" + node;
    std::ofstream file(stem + ".yaml");
    file << config;
    file.close();
    if (!file) return fail("cannot write " + stem + ".yaml");
    auto process = lab.spawn(node, {*program, "--config", stem + ".yaml", "--run-dir", run_dir},
                             {.output_file = stem + ".log", .stop_patience = std::chrono::seconds(5)});
    if (!process) return std::unexpected(process.error());
    return Daemon(node, stem + ".sock", std::move(*process));
}

Result<nlohmann::json> Daemon::ask(const std::string& command) const {
    const auto socket = connect_to_path(socket_);
    if (!socket) return std::unexpected(socket.error());
    const auto question = nlohmann::json{{"command", command}}.dump() + "\n";
    if (::send(socket->get(), question.data(), question.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(question.size())) {
        return fail_errno("cannot ask sidestepd on " + node_);
    }
    const auto line = read_line(socket->get());
    if (!line) return std::unexpected(line.error());
    auto answer = nlohmann::json::parse(*line, nullptr, false);
    if (!answer.is_object()) return fail("sidestepd on " + node_ + " sent no JSON object: " + *line);
    return answer;
}

Result<void> Daemon::wait_up(std::chrono::milliseconds patience) {
    Result<nlohmann::json> answer;
    bool ended = false;
    const bool up = wait_for(patience, [&] {
        ended = !process_.running();
        if (ended) return true;
        answer = ask("sessions");
        return answer && all_up(*answer);
    });
    if (ended) return fail(fmt::format("sidestepd on {} ended by itself: {}", node_, last_line(process_.output())));
    if (up) return {};
    auto cause = lack_of_room(look_at_neighbor_table(), 1);
    if (cause.empty()) cause = answer ? why_not_up(*answer, ask("status").value_or(nullptr)) : answer.error().message;
    return fail(fmt::format("sidestepd on {}: not all sessions came up within {} s: {}", node_,
                            std::chrono::duration<double>(patience).count(), cause));
}

Result<void> Daemon::stop() {
    const int code = process_.stop();
    if (code != 0)
        return fail(fmt::format("sidestepd on {} ended with exit code {}: {}", node_, code, process_.output()));
    return {};
}

}  // namespace sidestep::topo
