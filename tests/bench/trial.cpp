// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/trial.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include <pthread.h>
#include <sched.h>

#include "topo/clock.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using topo::Clock;

constexpr auto kTrialUpPatience = 15s;
constexpr auto kDownPatience = 10s;
/// Questions cost processor time, so the first is asked when the answer should be there.
constexpr auto kFirstLook = 20ms;
constexpr auto kRandomPause = 30ms;
constexpr auto kFifoMargin = 1s;  ///< of a load's own limit over the trial that it belongs to

/// This thread above the real-time hogs: it is not the knife that is measured.
class AboveHogs {
  public:
    explicit AboveHogs(Load load) {
        const sched_param highest{.sched_priority = 95};
        if (load == Load::fifo) ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &highest);
    }
    ~AboveHogs() {
        const sched_param normal{};
        ::pthread_setschedparam(::pthread_self(), SCHED_OTHER, &normal);
    }
    AboveHogs(const AboveHogs&) = delete;
    AboveHogs& operator=(const AboveHogs&) = delete;
};

std::size_t downs_since(Subject& subject, std::int64_t begin, std::int64_t end) {
    const auto downs = subject.downs();
    return static_cast<std::size_t>(
        std::ranges::count_if(downs, [&](std::int64_t time) { return time >= begin && time < end; }));
}

std::optional<double> one_cut(Subject& subject, std::mt19937& random) {
    if (!subject.wait_up(kTrialUpPatience)) return std::nullopt;
    std::uniform_int_distribution<std::int64_t> pause(0, std::chrono::nanoseconds(kRandomPause).count());
    std::this_thread::sleep_for(std::chrono::nanoseconds(pause(random)));
    const auto cut_ns = subject.cut().cut();
    std::this_thread::sleep_for(kFirstLook);
    std::optional<std::int64_t> down;
    topo::wait_for(kDownPatience, [&] {
        const auto downs = subject.downs();
        const auto found = std::ranges::find_if(downs, [&](std::int64_t time) { return time >= cut_ns; });
        if (found != downs.end()) down = *found;
        return down.has_value();
    });
    subject.cut().restore();
    if (!down) return std::nullopt;
    return static_cast<double>(*down - cut_ns) / 1e6;
}

}  // namespace

std::vector<double> detect(Subject& subject, int cuts, Load load) {
    const LoadInForce force(load, {&subject.lab()}, (kTrialUpPatience + kDownPatience) * cuts);
    const AboveHogs above(load);
    std::mt19937 random(std::random_device{}());
    std::vector<double> times;
    for (int i = 0; i < cuts; ++i) {
        const auto time = one_cut(subject, random);
        if (!time) break;
        times.push_back(*time);
    }
    return times;
}

Watched watch(const std::vector<Subject*>& subjects, std::chrono::milliseconds length, Load load) {
    std::vector<const topo::Lab*> labs;
    Watched watched;
    for (auto* subject : subjects) {
        watched.downs.emplace_back();
        if (subject->wait_up(kTrialUpPatience)) watched.downs.back() = 0;
        labs.push_back(&subject->lab());
    }
    const auto begin = topo::now_ns();
    {
        const LoadInForce force(load, labs, length + kFifoMargin);
        std::this_thread::sleep_for(length);
        watched.flood_kpps = force.flood_kpps();
    }
    const auto end = topo::now_ns();
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        if (watched.downs[i]) watched.downs[i] = downs_since(*subjects[i], begin, end);
    }
    return watched;
}

}  // namespace sidestep::bench
