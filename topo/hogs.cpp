// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/hogs.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include <sched.h>
#include <unistd.h>

#include "topo/child.hpp"
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
    const auto child = fork_child(ChildSide::writes, [&](int ready) { burn(limit, core, ready); });
    if (!child) return std::unexpected(child.error());
    pids_.push_back(child->pid);
    char said = 'n';
    if (::read(child->pipe.get(), &said, 1) != 1 || said != 'y')
        return fail("SCHED_FIFO is refused here: does the cgroup have a real-time budget?");
    return {};
}

void Hogs::wait() {
    for (const auto pid : std::exchange(pids_, {})) ::waitpid(pid, nullptr, 0);
}

}  // namespace sidestep::topo
