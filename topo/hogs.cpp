// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/hogs.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "bpf/model/fd.hpp"
#include "topo/wait.hpp"

namespace sidestep::topo {
namespace {

constexpr int kFifoPriority = 90;

bool become_fifo(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    const sched_param priority{.sched_priority = kFifoPriority};
    return ::sched_setaffinity(0, sizeof cores, &cores) == 0 && ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
}

[[noreturn]] void burn(std::chrono::milliseconds limit, std::optional<int> core, int ready) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char said = !core || become_fifo(*core) ? 'y' : 'n';
    (void)!::write(ready, &said, 1);
    const auto end = Clock::now() + limit;
    while (said == 'y' && Clock::now() < end) {
    }
    ::_exit(0);
}

}  // namespace

Hogs::~Hogs() {
    for (const auto pid : pids_) ::kill(pid, SIGKILL);
    wait();
}

Result<void> Hogs::add(std::chrono::milliseconds limit, std::optional<int> core) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid == 0) burn(limit, core, writing.get());
    pids_.push_back(pid);
    writing.reset();
    char said = 'n';
    if (::read(reading.get(), &said, 1) != 1 || said != 'y') return fail("SCHED_FIFO is refused here");
    return {};
}

void Hogs::wait() {
    for (const auto pid : std::exchange(pids_, {})) ::waitpid(pid, nullptr, 0);
}

}  // namespace sidestep::topo
