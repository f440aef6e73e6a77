// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs a program by posix_spawn, and reads two pipes with poll.
#include "routing/io/command.hpp"

#include <sys/wait.h>

#include <array>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include "common/fd.hpp"

namespace sidestep::routing {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    Fd read;
    Fd write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    return Pipe{.read = Fd(fds[0]), .write = Fd(fds[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& arguments, const Pipe& out, const Pipe& err) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
    // We may ignore SIGPIPE; programs expect that it ends them.
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail_errno("cannot run " + arguments[0], error);
    return pid;
}

/// Reads what is there; false at the end.
bool drain(const Fd& from, std::string& into) {
    std::array<char, 16384> buffer{};
    const auto count = ::read(from.get(), buffer.data(), buffer.size());
    if (count > 0) into.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
}

/// Collects both pipes until they end; false if the deadline came first.
bool collect(Pipe& out, Pipe& err, CommandOutput& output, Clock::time_point deadline) {
    while (out.read.get() >= 0 || err.read.get() >= 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        std::array<pollfd, 2> fds{pollfd{.fd = out.read.get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = err.read.get(), .events = POLLIN, .revents = 0}};
        if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
        if (fds[0].revents != 0 && !drain(out.read, output.out)) out.read.reset();
        if (fds[1].revents != 0 && !drain(err.read, output.err)) err.read.reset();
    }
    return true;
}

}  // namespace

Result<CommandOutput> run_command(const std::vector<std::string>& arguments, std::chrono::milliseconds timeout) {
    auto out = make_pipe();
    if (!out) return std::unexpected(out.error());
    auto err = make_pipe();
    if (!err) return std::unexpected(err.error());
    const auto pid = spawn(arguments, *out, *err);
    if (!pid) return std::unexpected(pid.error());
    out->write.reset();
    err->write.reset();

    CommandOutput output;
    const bool ended = collect(*out, *err, output, Clock::now() + timeout);
    if (!ended) ::kill(*pid, SIGKILL);
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) return fail(fmt::format("{} did not answer within {} ms", arguments[0], timeout.count()));
    if (!WIFEXITED(status)) return fail(fmt::format("{} was ended by signal {}", arguments[0], WTERMSIG(status)));
    output.exit_code = WEXITSTATUS(status);
    return output;
}

}  // namespace sidestep::routing
