// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// No false alarm: a machine without processor time to spare is not a dead link.
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

constexpr auto kLoad = 3s;

/// Processes that burn processor time, for kLoad at most.
class Hogs {
  public:
    /// One: on any core, or at real-time priority on this one. False if it could not be started.
    bool add(std::optional<int> core = std::nullopt) {
        std::array<int, 2> ready{};
        if (::pipe(ready.data()) != 0) return false;
        const pid_t pid = ::fork();
        if (pid == 0) burn(core, ready[1]);
        ::close(ready[1]);
        char yes = 0;
        const bool started = pid > 0 && ::read(ready[0], &yes, 1) == 1 && yes == 'y';
        ::close(ready[0]);
        if (pid > 0) pids_.push_back(pid);
        return started;
    }
    /// Waits until they are done.
    void wait() {
        for (const auto pid : std::exchange(pids_, {})) ::waitpid(pid, nullptr, 0);
    }
    Hogs() = default;
    Hogs(const Hogs&) = delete;
    Hogs& operator=(const Hogs&) = delete;
    ~Hogs() {
        for (const auto pid : pids_) ::kill(pid, SIGKILL);
        wait();
    }

  private:
    [[noreturn]] static void burn(std::optional<int> core, int ready) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        char said = 'y';
        if (core) {
            cpu_set_t cores;
            CPU_ZERO(&cores);
            CPU_SET(*core, &cores);
            const sched_param priority{.sched_priority = 90};
            if (::sched_setaffinity(0, sizeof cores, &cores) != 0 ||
                ::sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
                said = 'n';
        }
        (void)!::write(ready, &said, 1);
        const auto end = Clock::now() + kLoad;
        while (said == 'y' && Clock::now() < end) {
        }
        ::_exit(0);
    }

    std::vector<pid_t> pids_;
};

class UnderLoad : public ProtectedLab {
  protected:
    void expect_no_alarm() {
        for (const auto* node : {"A", "B"}) {
            const auto status = ask(node, "status");
            for (const auto& session : ask(node, "sessions").value("sessions", json::array())) {
                EXPECT_EQ(session.value("downs", -1), 0) << session.dump() << status.dump();
                EXPECT_EQ(session.value("state", ""), "up");
            }
            EXPECT_EQ(ask(node, "events").value("events", json()).size(), 2U);  // both sessions came up
        }
    }
};

TEST_F(UnderLoad, HogsOnEveryCoreRaiseNoAlarm) {
    ASSERT_TRUE(start_both());
    Hogs hogs;
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(hogs.add());
    hogs.wait();
    expect_no_alarm();
}

TEST_F(UnderLoad, RealTimeHogsOnEveryCoreRaiseNoAlarm) {
    ASSERT_TRUE(start_both());
    const auto answered = session("A").value("answered", std::uint64_t{0});
    Hogs hogs;
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    for (int core = 0; core < cores; ++core) {
        if (!hogs.add(core)) GTEST_SKIP() << "SCHED_FIFO is refused here (a cgroup without cpu.rt_runtime_us)";
    }
    hogs.wait();
    expect_no_alarm();
    EXPECT_GT(session("A").value("answered", std::uint64_t{0}), answered);
}

}  // namespace
}  // namespace sidestep::topo
