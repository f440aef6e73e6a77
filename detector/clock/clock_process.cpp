// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The process clock: a timerfd on its own thread. It stops when the process is stopped. The verdict rule makes that
// harmless, but nothing is detected meanwhile.
#include <linux/if_ether.h>
#include <sys/timerfd.h>

#include <bpf/bpf.h>

#include <array>
#include <cerrno>
#include <thread>

#include <sched.h>

#include "bpf/abi/sidestep.h"
#include "common/fd.hpp"
#include "detector/clock/clock.hpp"

namespace sidestep {
namespace {

class ProcessClock final : public Clock {
  public:
    ProcessClock(Fd timer, int tick_program)
        : timer_(std::move(timer)),
          thread_([this, tick_program](const std::stop_token& stop) { run(stop, tick_program); }) {}

    [[nodiscard]] std::string_view kind() const override { return "process"; }
    Result<void> restart() override { return {}; }  // a late thread resumes by itself
    Result<void> set_pace() override { return {}; }
    void stop() override { thread_ = {}; }

  private:
    void run(const std::stop_token& stop, int tick_program) const {
        // If real-time scheduling is refused (a cgroup without a budget), normal scheduling is used.
        const sched_param priority{.sched_priority = 50};
        (void)sched_setscheduler(0, SCHED_FIFO, &priority);
        std::array<std::uint8_t, SS_TICK_BYTES> packet{};
        __sk_buff context{};
        context.mark = SS_TICK_MARK;
        std::uint64_t expirations = 0;
        while (!stop.stop_requested()) {
            if (read(timer_.get(), &expirations, sizeof expirations) < 0 && errno != EINTR) return;
            LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.data(),
                        .data_size_in = static_cast<__u32>(packet.size()), .ctx_in = &context,
                        .ctx_size_in = sizeof context, .repeat = 1);
            (void)bpf_prog_test_run_opts(tick_program, &options);
        }
    }

    Fd timer_;
    std::jthread thread_;  // last: it uses the timer
};

}  // namespace

Result<std::unique_ptr<Clock>> make_process_clock(int tick_program, Nanoseconds tick) {
    Fd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (!timer) return fail_errno("cannot create the clock's timer");
    const timespec period{.tv_sec = tick.count() / 1'000'000'000, .tv_nsec = tick.count() % 1'000'000'000};
    const itimerspec schedule{.it_interval = period, .it_value = period};
    if (timerfd_settime(timer.get(), 0, &schedule, nullptr) != 0) return fail_errno("cannot set the clock's timer");
    return std::make_unique<ProcessClock>(std::move(timer), tick_program);
}

}  // namespace sidestep
