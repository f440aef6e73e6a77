// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Those that are compared take turns, round by round: a machine that is busy with something else for a while slows all
// of them down, and leaves the ratio of a round alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

/// One that takes part; `flaw` says why it could not.
struct Racer {
    std::string name;
    std::string unit;
    std::function<double(Racer&)> lap{};  ///< measures once; may throw
    std::vector<double> values{};         ///< by round
    std::uint64_t sent = 0;               ///< packets
    std::uint64_t lost = 0;
    std::string flaw{};
};

/// Lets each of them run once per round; the first round is not counted. Who fails is out of the race.
void race(const std::vector<Racer*>& racers, int rounds, const std::function<void(int)>& on_round);

/// The median of ours / theirs over the rounds, to be at least `least`.
Row compare(const std::string& key, const Racer& ours, const Racer& theirs, double least);

/// A row that could not be measured.
Row not_measured(const std::string& key, const std::string& unit, const std::string& why);

}  // namespace sidestep::bench
