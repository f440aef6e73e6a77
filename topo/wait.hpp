// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Waits for a condition with a deadline, instead of sleeping.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <thread>

#include "topo/clock.hpp"

namespace sidestep::topo {

/// Calls `predicate` until it is true or `deadline` has passed, at first every millisecond, later every 20 ms.
/// Returns whether it became true; it is called at least once.
template <std::predicate Predicate>
bool wait_until(Clock::time_point deadline, Predicate predicate) {
    auto pause = std::chrono::milliseconds(1);
    while (!predicate()) {
        const auto left = deadline - Clock::now();
        if (left <= Clock::duration::zero()) return false;
        std::this_thread::sleep_for(std::min<Clock::duration>(pause, left));
        pause = std::min(pause * 2, std::chrono::milliseconds(20));
    }
    return true;
}

/// The same with a deadline this far from now.
template <std::predicate Predicate>
bool wait_for(Clock::duration patience, Predicate predicate) {
    return wait_until(Clock::now() + patience, std::move(predicate));
}

}  // namespace sidestep::topo
