// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/flips.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <stdexcept>
#include <thread>

#include "bpf/lib/session_state.h"
#include "tests/bench/core_time.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/pinned_array.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using topo::Clock;

/// A packet is made, forwarded, counted, and only then the next one made: nothing but the flip is waited for.
constexpr unsigned kBurst = 1;
constexpr auto kPatience = 1s;
constexpr auto kDrained = 300us;  ///< no packet of before is on its way any more
constexpr auto kRandomPause = 200us;

void spin(Clock::duration length) {
    for (const auto end = Clock::now() + length; Clock::now() < end;) {
    }
}

/// The generator, running as long as this lives.
class Running {
  public:
    explicit Running(Generator& generator)
        : thread_([&] { result_ = generator.run_until([this] { return stop_.load(); }, kBurst); }) {}
    ~Running() {
        stop_ = true;
        thread_.join();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

  private:
    std::atomic<bool> stop_{false};
    Result<Generator::Sent> result_ = Generator::Sent{};
    std::thread thread_;
};

}  // namespace

Flips::Flips(Rig& rig, Generator& generator, std::size_t destination)
    : rig_(rig),
      generator_(generator),
      destination_(destination),
      words_(must(pinned_array<ss_session_state>(rig.lab(), "ss_states"))),
      repair_states_(must(pinned_array<ss_repair_state>(rig.lab(), "ss_repair_states"))) {}

std::vector<double> Flips::run(int times) {
    generator_.aim(destination_, 1);
    auto flips = std::async(std::launch::async, [&] { return run_here(times); });
    flips.wait();
    generator_.aim_at_all();
    return flips.get();
}

std::vector<double> Flips::run_here(int times) {
    keep_off_measured_core();
    hurry();
    const Running running(generator_);
    const auto before = rig_.arrivals().arrived(Way::plain);
    const bool flows = topo::wait_for(kPatience, [&] { return rig_.arrivals().arrived(Way::plain) > before + 100; });
    if (!flows) throw std::runtime_error("nothing is forwarded before the flip");
    std::vector<double> flips;
    for (int i = 0; i < times; ++i) flips.push_back(flip());
    return flips;
}

double Flips::flip() {
    static std::minstd_rand random(1);
    std::uniform_int_distribution<std::int64_t> pause(0, std::chrono::nanoseconds(kRandomPause).count());
    spin(kDrained + std::chrono::nanoseconds(pause(random)));
    rig_.arrivals().expect_repaired();
    const auto lowered = Clock::now();
    if (ss_state_lower(&words_[0], &repair_states_[0], SS_DOWN) == 0)
        throw std::runtime_error("the session was down already");
    std::optional<std::int64_t> first;
    while (!first && Clock::now() < lowered + kPatience) first = rig_.arrivals().first_repaired_ns();
    ss_state_raise(&words_[0], &repair_states_[0], SS_DOWN, SS_UP);
    if (!first) throw std::runtime_error("no packet took the backup after the state fell");
    return 1e-3 * static_cast<double>(*first - std::chrono::nanoseconds(lowered.time_since_epoch()).count());
}

}  // namespace sidestep::bench
