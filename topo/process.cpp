// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/process.hpp"

#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include "topo/child.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

Result<Fd> memory_file(const std::string& content) {
    Fd file(::memfd_create("topo", MFD_CLOEXEC));
    if (!file) return fail_errno("memfd_create");
    for (std::size_t done = 0; done < content.size();) {
        const auto wrote = ::pwrite(file.get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
        if (wrote <= 0) return fail_errno("cannot write the program's standard input");
        done += static_cast<std::size_t>(wrote);
    }
    return file;
}

/// The child's work between fork and exec: async-signal-safe calls only. Reports errno through `status` on failure.
[[noreturn]] void become(char* const* argv, int netns, int input, int output, int status) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setpgid(0, 0);  // Ctrl-C is for us; we stop our programs ourselves
    if ((netns < 0 || ::setns(netns, CLONE_NEWNET) == 0) && ::dup2(input, STDIN_FILENO) >= 0 &&
        ::dup2(output, STDOUT_FILENO) >= 0 && ::dup2(output, STDERR_FILENO) >= 0) {
        ::execvp(argv[0], argv);
    }
    const int error = errno;
    (void)!::write(status, &error, sizeof error);
    ::_exit(127);
}

}  // namespace

Result<Process> Process::spawn(const std::vector<std::string>& argv, SpawnOptions options) {
    auto input = memory_file(options.input);
    if (!input) return std::unexpected(input.error());
    Fd output(options.output_file.empty()
                  ? ::memfd_create("topo-output", MFD_CLOEXEC)
                  : ::open(options.output_file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!output) return fail_errno(options.output_file);
    // The program appends: it shares the offset with us only for writing, we read with pread.
    std::vector<char*> arguments;
    arguments.reserve(argv.size() + 1);
    for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);

    const auto child = fork_child(ChildSide::writes, [&](int status) {
        become(arguments.data(), options.netns, input->get(), output.get(), status);
    });
    if (!child) return std::unexpected(child.error());
    if (options.reaper) options.reaper->adopt(child->pid);
    Process process(child->pid, Fd(static_cast<int>(::syscall(SYS_pidfd_open, child->pid, 0))), std::move(output),
                    std::move(options));
    int error = 0;
    if (::read(child->pipe.get(), &error, sizeof error) == sizeof error) {
        process.stop();
        return fail_errno("cannot start " + argv.at(0), error);
    }
    return process;
}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        stop();
        pid_ = other.pid_;
        pidfd_ = std::move(other.pidfd_);
        output_ = std::move(other.output_);
        options_ = std::move(other.options_);
        exit_code_ = other.exit_code_;
    }
    return *this;
}

bool Process::running() {
    return !wait(std::chrono::milliseconds(0));
}

std::optional<int> Process::wait(std::chrono::milliseconds patience) {
    if (!pidfd_) return exit_code_;
    const auto deadline = Clock::now() + patience;
    for (;;) {  // poll returns early on a signal
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd ended{pidfd_.get(), POLLIN, 0};
        const int ready = ::poll(&ended, 1, static_cast<int>(std::max<long>(left, 0)));
        if (ready > 0) break;
        if (ready == 0 || left <= 0) return std::nullopt;
    }
    if (options_.reaper) options_.reaper->release(pid_);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pidfd_.reset();
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return exit_code_;
}

int Process::stop() {
    if (!pidfd_) return exit_code_;
    signal(SIGTERM);
    if (wait(options_.stop_patience)) return exit_code_;
    signal(SIGKILL);
    while (!wait(std::chrono::seconds(1))) {  // in the kernel for longer: nothing else to do
    }
    return exit_code_;
}

void Process::signal(int number) {
    if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::string Process::output() const {
    std::string text;
    std::array<char, 4096> chunk{};
    for (;;) {
        const auto got = ::pread(output_.get(), chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
        if (got <= 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

Result<std::string> run(const std::vector<std::string>& argv, SpawnOptions options,
                        std::chrono::milliseconds patience) {
    auto process = Process::spawn(argv, std::move(options));
    if (!process) return std::unexpected(process.error());
    const auto code = process->wait(patience);
    if (!code) return fail(fmt::format("{}: did not end within {} ms", fmt::join(argv, " "), patience.count()));
    if (*code != 0) return fail(fmt::format("{}: exit code {}: {}", fmt::join(argv, " "), *code, process->output()));
    return process->output();
}

}  // namespace sidestep::topo
