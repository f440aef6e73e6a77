// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The two trials that every subject goes through: links are cut, and nothing is cut.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "tests/bench/load.hpp"
#include "tests/bench/subject.hpp"

namespace sidestep::bench {

/// From cuts at random moments to A's verdicts, in milliseconds, under a load. A cut that A did not notice in time, or
/// after which the link did not come back, ends the trial: there may be fewer than `cuts`.
std::vector<double> detect(Subject& subject, int cuts, Load load);

struct Watched {
    std::vector<std::optional<std::size_t>> downs;  ///< by subject; none: it was not up to begin with
    double flood_kpps = 0;
};

/// Leaves the links alone for a while under a load, and counts what A takes for failures.
Watched watch(const std::vector<Subject*>& subjects, std::chrono::milliseconds length, Load load);

}  // namespace sidestep::bench
