// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/core_time.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <sched.h>

namespace sidestep::bench {
namespace {

cpu_set_t allowed_cores() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    return allowed;
}

int last_allowed_core() {
    const auto allowed = allowed_cores();
    int last = 0;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(i, &allowed)) last = i;
    }
    return last;
}

/// ksoftirqd of the core: it takes over when softirqs come too thick. -1 if it cannot be seen.
pid_t find_softirq_thread() {
    const auto name = fmt::format("ksoftirqd/{}", measured_core());
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        std::string comm;
        std::ifstream(entry.path() / "comm") >> comm;
        if (comm == name) return std::stoi(entry.path().filename().string());
    }
    return -1;
}

}  // namespace

int measured_core() {
    static const int core = last_allowed_core();
    return core;
}

Result<void> run_on_measured_core() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(measured_core(), &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) return fail_errno("cannot keep to one core");
    hurry();
    return {};
}

void keep_off_measured_core() {
    auto others = allowed_cores();
    CPU_CLR(measured_core(), &others);
    ::sched_setaffinity(0, sizeof others, &others);  // fails where there is one core only
}

void hurry() {
    ::setpriority(PRIO_PROCESS, 0, -20);
}

CoreTime::CoreTime(clockid_t clock) : clock_(clock), begin_(total()) {}

double CoreTime::seconds() const {
    return total() - begin_;
}

double CoreTime::total() const {
    timespec own{};
    ::clock_gettime(clock_, &own);
    static const auto softirq_thread = fmt::format("/proc/{}/schedstat", find_softirq_thread());
    double softirq_ns = 0;
    std::ifstream(softirq_thread) >> softirq_ns;
    return static_cast<double>(own.tv_sec) + 1e-9 * (static_cast<double>(own.tv_nsec) + softirq_ns);
}

}  // namespace sidestep::bench
