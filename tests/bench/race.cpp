// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/race.hpp"

#include <algorithm>
#include <exception>
#include <limits>

#include <fmt/format.h>

namespace sidestep::bench {
namespace {

/// Of what was sent: more was not just a queue that was full for a moment.
constexpr double kTolerableLoss = 1e-3;

void run_lap(Racer& racer, bool counts) {
    if (!racer.flaw.empty()) return;
    try {
        const auto value = racer.lap(racer);
        if (counts) racer.values.push_back(value);
    } catch (const std::exception& error) {
        racer.flaw = error.what();
    }
}

std::string flaw_of(const Racer& racer) {
    if (!racer.flaw.empty()) return racer.name + ": " + racer.flaw;
    if (static_cast<double>(racer.lost) > kTolerableLoss * static_cast<double>(racer.sent))
        return fmt::format("{}: {} of {} packets were lost", racer.name, racer.lost, racer.sent);
    return "";
}

}  // namespace

void race(const std::vector<Racer*>& racers, int rounds, const std::function<void(int)>& on_round) {
    for (int round = 0; round <= rounds; ++round) {
        on_round(round);
        for (auto* racer : racers) run_lap(*racer, round > 0);
    }
}

Row not_measured(const std::string& key, const std::string& unit, const std::string& why) {
    return {.key = key, .value = std::numeric_limits<double>::quiet_NaN(), .unit = unit, .flaw = why};
}

Row compare(const std::string& key, const Racer& ours, const Racer& theirs, double least) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(ours.values.size(), theirs.values.size()); ++i)
        ratios.push_back(ours.values[i] / theirs.values[i]);
    auto row = not_measured(key, "ratio", "");
    row.n = ratios.size();
    row.least = least;
    if (!ratios.empty()) {
        row.value = quantile(ratios, 0.5);
        row.versus["from"] = quantile(ratios, 0);
        row.versus["to"] = quantile(ratios, 1);
    }
    for (const auto* racer : {&ours, &theirs}) {
        if (!racer->values.empty()) row.versus[racer->name + "_" + racer->unit] = quantile(racer->values, 0.5);
        if (racer->lost > 0) row.versus[racer->name + "_lost"] = racer->lost;
        if (row.flaw.empty()) row.flaw = flaw_of(*racer);
    }
    return row;
}

}  // namespace sidestep::bench
