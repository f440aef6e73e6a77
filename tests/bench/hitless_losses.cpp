// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Numbered packets through a hitless policy, while things go wrong.
#include <chrono>
#include <exception>
#include <functional>
#include <thread>

#include "tests/bench/hitless_rig.hpp"
#include "tests/bench/hitless_rows.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/race.hpp"
#include "topo/clock.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr double kRate = 100'000;  // packets per second
constexpr int kCuts = 100;
constexpr int kRestarts = 10;
constexpr double kLoss = 0.01;  // of each way

/// What became of the packets that were sent while something went on.
struct Fate {
    topo::FlowReport report;
    double seconds = 0;
};

Fate send_during(const HitlessRig& rig, const std::function<void()>& work) {
    auto traffic = must(rig.lab().start_traffic("S", "D", {.rate = kRate}));
    const auto begin = topo::Clock::now();
    work();
    const auto seconds = std::chrono::duration<double>(topo::Clock::now() - begin).count();
    return {.report = traffic.stop(), .seconds = seconds};
}

Row row_of(const std::string& key, const Fate& fate, double value, double bar) {
    Row row{.key = key, .value = value, .unit = "packets", .n = fate.report.sent, .bar = bar};
    row.versus["packets_per_s"] = rounded(static_cast<double>(fate.report.sent) / fate.seconds);
    row.versus["reordered"] = fate.report.reordered;
    return row;
}

/// One after the other, on either way in turn.
std::vector<Row> measure_cuts() {
    HitlessRig rig({.cuts = true});
    const auto fate = send_during(rig, [&] {
        for (int i = 0; i < kCuts; ++i) rig.cut(static_cast<std::size_t>(i % 2));
    });
    return {row_of("lost_100_cuts", fate, static_cast<double>(fate.report.lost.size()), 0),
            row_of("duplicated_100_cuts", fate, static_cast<double>(fate.report.duplicates), 0)};
}

std::vector<Row> measure_loss(bool quick) {
    HitlessRig rig({.cuts = true});
    rig.lose(kLoss);
    const auto fate = send_during(rig, [&] { std::this_thread::sleep_for(quick ? 5s : 20s); });
    const auto lost = static_cast<double>(fate.report.lost.size());
    auto row = row_of("lost_ppm_1pct", fate, rounded(1e6 * lost / static_cast<double>(fate.report.sent)), 150);
    row.unit = "ppm";
    row.versus["theory"] = 1e6 * kLoss * kLoss;
    row.versus["downs"] = rig.downs();
    return {row};
}

std::vector<Row> measure_restarts(bool quick) {
    HitlessRig rig({.cuts = true});
    const int rounds = quick ? kRestarts / 2 : kRestarts;
    const auto fate = send_during(rig, [&] {
        for (int i = 0; i < rounds; ++i) {
            rig.restart("A");
            rig.restart("B");
        }
    });
    auto row = row_of("lost_restart", fate, static_cast<double>(fate.report.lost.size()), 0);
    row.versus["doubled"] = fate.report.duplicates;
    row.versus["restarts"] = 2 * rounds;
    if (fate.report.duplicates != 0) row.flaw = "packets arrived twice";
    return {row};
}

/// A row that says why there is no other.
std::vector<Row> or_why_not(const std::string& key, const std::function<std::vector<Row>()>& measure) {
    try {
        return measure();
    } catch (const std::exception& error) {
        return {not_measured(key, "packets", error.what())};
    }
}

}  // namespace

std::vector<Row> measure_losses(bool quick) {
    std::vector<Row> rows = or_why_not("lost_100_cuts", measure_cuts);
    for (const auto& row : or_why_not("lost_ppm_1pct", [&] { return measure_loss(quick); })) rows.push_back(row);
    for (const auto& row : or_why_not("lost_restart", [&] { return measure_restarts(quick); })) rows.push_back(row);
    return rows;
}

}  // namespace sidestep::bench
