// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/reaper.hpp"

#include <linux/close_range.h>
#include <sys/mount.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>

#include <fcntl.h>

#include "topo/child.hpp"

namespace sidestep::topo {
namespace {

constexpr int kTermPatienceMs = 1000;
constexpr std::size_t kMaxPrograms = 1024;

/// A program the reaper watches over; a negative pid in a message releases it.
struct Program {
    pid_t pid = 0;
    int pidfd = -1;
};

// From here on everything runs in the child of a process that may have had other threads: only async-signal-safe calls,
// no allocation.

void follow(int pipe, std::array<Program, kMaxPrograms>& programs) {
    for (;;) {
        pid_t message = 0;
        const auto got = ::read(pipe, &message, sizeof message);
        if (got < 0 && errno == EINTR) continue;
        if (got != sizeof message) return;
        const pid_t wanted = message > 0 ? 0 : -message;  // a free slot, or that program's
        for (auto& program : programs) {
            if (program.pid != wanted) continue;
            if (program.pidfd >= 0) ::close(program.pidfd);
            program = {};
            if (message > 0) program = {message, static_cast<int>(::syscall(SYS_pidfd_open, message, 0))};
            break;
        }
    }
}

void stop(const std::array<Program, kMaxPrograms>& programs) {
    const auto signal_all = [&](int signal) {
        for (const auto& program : programs) {
            if (program.pidfd >= 0) ::syscall(SYS_pidfd_send_signal, program.pidfd, signal, nullptr, 0);
        }
    };
    signal_all(SIGTERM);
    for (const auto& program : programs) {
        pollfd ended{program.pidfd, POLLIN, 0};
        if (program.pidfd >= 0) ::poll(&ended, 1, kTermPatienceMs);
    }
    signal_all(SIGKILL);
}

/// Removes a directory after unmounting all below it, since a killed sidestepd leaves its bpffs. A shell does that,
/// because the child of a process that may have threads must not walk directories.
[[noreturn]] void remove_directory(const char* directory) {
    constexpr const char* kScript =
        "while read -r _ at _; do case $at in \"$0\"/*) umount -l \"$at\" ;; esac done < /proc/self/mounts\n"
        "exec rm -rf --one-file-system -- \"$0\"";
    ::open("/dev/null", O_RDWR);  // becomes 1, the lowest that is free
    ::dup2(1, 2);
    ::execl("/bin/sh", "sh", "-c", kScript, directory, nullptr);
    ::_exit(1);
}

[[noreturn]] void reap(int pipe, const std::vector<const char*>& paths, const char* directory) {
    ::setsid();
    ::prctl(PR_SET_NAME, "topo-reaper");
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) ::signal(signal, SIG_IGN);
    // Descriptors of the parent, other labs' pipes among them, must not stay open here.
    if (pipe != 0) ::dup2(pipe, 0);
    ::syscall(SYS_close_range, 1, ~0U, 0);

    static std::array<Program, kMaxPrograms> programs;
    follow(0, programs);
    stop(programs);
    for (const char* path : paths) {
        ::umount2(path, MNT_DETACH);
        ::unlink(path);
    }
    remove_directory(directory);
}

}  // namespace

Result<Reaper> Reaper::start(const std::vector<std::string>& netns_paths, const std::string& directory) {
    std::vector<const char*> paths;
    paths.reserve(netns_paths.size());
    for (const auto& path : netns_paths) paths.push_back(path.c_str());

    auto child = fork_child(ChildSide::reads, [&](int pipe) { reap(pipe, paths, directory.c_str()); });
    if (!child) return std::unexpected(child.error());
    return Reaper(std::move(child->pipe), child->pid);
}

Reaper::~Reaper() {
    if (!pipe_) return;
    pipe_.reset();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void Reaper::adopt(pid_t pid) const {
    (void)!::write(pipe_.get(), &pid, sizeof pid);
}

void Reaper::release(pid_t pid) const {
    const pid_t message = -pid;
    (void)!::write(pipe_.get(), &message, sizeof message);
}

}  // namespace sidestep::topo
