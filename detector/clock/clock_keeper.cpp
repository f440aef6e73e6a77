// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/clock/clock_keeper.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPatience = 200ms;
constexpr int kPatienceTicks = 20;
constexpr Nanoseconds kPaceOver = 1s;
constexpr const char* kThing = "the clock";

}  // namespace

Result<void> ClockKeeper::start() {
    auto& conf = dataplane_.clock_conf();
    const Nanoseconds tick(conf.tick_ns);
    tick_ = tick;
    counted_ = {};
    if (wanted_ != ClockKind::process) {
        auto clock = make_kernel_clock(dataplane_.tick_program(), tick, conf.successor);
        if (clock) {
            clock_ = std::move(*clock);
            return {};
        }
        if (wanted_ == ClockKind::kernel) return std::unexpected(clock.error());
        spdlog::warn("the kernel clock cannot be used: {}; the process clock takes its place", clock.error().message);
    }
    return start_process_clock();
}

Result<void> ClockKeeper::start_process_clock() {
    auto& conf = dataplane_.clock_conf();
    auto clock = make_process_clock(dataplane_.tick_program(), Nanoseconds(conf.tick_ns));
    if (!clock) return std::unexpected(clock.error());
    clock_ = std::move(*clock);
    if (conf.successor != 0) {  // a predecessor's
        conf.successor = 0;
        remove_kernel_clock();
    }
    return {};
}

void ClockKeeper::watch(Nanoseconds now) {
    auto wrong = fault(now);
    const bool runs = wrong.empty() || !pace_.empty();
    const bool due = !upkeep_.plan({{.thing = kThing, .fault = wrong}}, now).empty();
    if (!due) return;
    if (!runs) ++restarts_;
    started_ = now;
    const auto mended = mend(runs);
    upkeep_.note(kThing, mended ? std::nullopt : std::optional(mended.error().message));
    pace_.clear();
    counted_ = {};
}

Result<void> ClockKeeper::mend(bool runs) {
    if (!clock_) return start();
    if (wanted_ == ClockKind::automatic && clock_->kind() == "kernel" && upkeep_.alarmed(kThing))
        return start_process_clock();
    return runs ? clock_->set_pace() : clock_->restart();
}

/// What is wrong with the clock; empty if nothing is.
std::string ClockKeeper::fault(Nanoseconds now) {
    const Nanoseconds tick(dataplane_.clock_conf().tick_ns);
    if (!clock_) return "could not be started";
    const Nanoseconds last(SS_READ(dataplane_.clock().last_tick_ns));
    const auto patience = std::max<Nanoseconds>(kPatience, kPatienceTicks * tick);
    if (now - std::max(last, started_) >= patience) {
        pace_.clear();
        return fmt::format("the {} clock stood still", kind());
    }
    if (kind() != "kernel") return {};  // a busy machine may delay a process as it likes
    const auto ticks = SS_READ(dataplane_.clock().ticks);
    const bool counted = counted_ != Nanoseconds::zero();
    if (counted && now - counted_ < kPaceOver) return pace_.empty() ? "" : pace_;
    const auto pace =
        counted ? pace_of({.ticks = ticks - ticks_, .elapsed = now - counted_, .tick = tick}) : ClockPace::right;
    ticks_ = ticks;
    counted_ = now;
    pace_ = pace == ClockPace::right ? "" : pace == ClockPace::fast ? "ran much too fast" : "ran much too slowly";
    return pace_;
}

ProblemTexts ClockKeeper::problems() const {
    return upkeep_.problems();
}

void ClockKeeper::stop() {
    if (clock_) clock_->stop();
}

}  // namespace sidestep
