// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/clock/clock_keeper.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPatience = 200ms;
constexpr int kPatienceTicks = 20;

}  // namespace

Result<void> ClockKeeper::start() {
    auto& conf = dataplane_.clock_conf();
    const Nanoseconds tick(conf.tick_ns);
    tick_ = tick;
    if (wanted_ != ClockKind::process) {
        auto clock = make_kernel_clock(dataplane_.tick_program(), tick, conf.successor);
        if (clock) {
            clock_ = std::move(*clock);
            return {};
        }
        if (wanted_ == ClockKind::kernel) return std::unexpected(clock.error());
        spdlog::warn("the kernel clock cannot be used: {}; the process clock takes its place", clock.error().message);
    }
    auto clock = make_process_clock(dataplane_.tick_program(), tick);
    if (!clock) return std::unexpected(clock.error());
    clock_ = std::move(*clock);
    if (conf.successor != 0) {  // a predecessor's
        conf.successor = 0;
        remove_kernel_clock();
    }
    return {};
}

void ClockKeeper::watch(Nanoseconds now) {
    const Nanoseconds last(SS_READ(dataplane_.clock().last_tick_ns));
    const auto patience =
        std::max<Nanoseconds>(kPatience, kPatienceTicks * Nanoseconds(dataplane_.clock_conf().tick_ns));
    if (!clock_ || now - std::max(last, started_) < patience) return;
    ++restarts_;
    started_ = now;
    spdlog::warn("the {} clock has been stopped for {}; restarting it", kind(), format_duration(now - last));
    if (auto restarted = clock_->restart(); !restarted) spdlog::error("{}", restarted.error().message);
}

void ClockKeeper::stop() {
    if (clock_) clock_->stop();
}

}  // namespace sidestep
