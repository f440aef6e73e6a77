// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/at_rest.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;
constexpr auto kQuiet = 300ms;
constexpr long kFewTicks = 2;  // for timers

}  // namespace

long processor_ticks(pid_t pid) {
    std::ifstream in(fmt::format("/proc/{}/stat", pid));
    std::string word;
    long user = 0;
    long system = 0;
    for (int field = 1; field <= 15 && in >> word; ++field) {
        if (field == 14) user = std::stol(word);
        if (field == 15) system = std::stol(word);
    }
    return user + system;
}

void wait_for_rest(pid_t pid) {
    auto before = processor_ticks(pid);
    const bool quiet = topo::wait_for(kPatience, [&] {
        std::this_thread::sleep_for(kQuiet);
        const auto now = processor_ticks(pid);
        return now - std::exchange(before, now) <= kFewTicks;
    });
    if (!quiet) throw std::runtime_error("sidestepd does not come to rest");
}

}  // namespace sidestep::bench
