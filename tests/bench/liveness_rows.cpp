// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Rows, and a line about progress.
#include "tests/bench/liveness_rows.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

const topo::Clock::time_point kStart = topo::Clock::now();

}  // namespace

void progress(const std::string& text) {
    const auto elapsed = std::chrono::duration<double>(topo::Clock::now() - kStart).count();
    fmt::print(stderr, "bench_liveness: {:6.1f} s  {}\n", elapsed, text);
}

Row& Rows::add(Row row) {
    rows_.push_back(std::move(row));
    return rows_.back();
}

Row& Rows::add_median(const std::string& key, const std::vector<double>& times, std::optional<double> bar) {
    if (times.empty()) throw std::runtime_error(key + ": no failure was noticed");
    return add({.key = key, .value = quantile(times, 0.5), .unit = "ms", .n = times.size(), .bar = bar});
}

void Rows::compare(const std::string& key, const std::string& peer, std::optional<double> value) {
    const auto row = std::ranges::find(rows_, key, &Row::key);
    if (!value || row == rows_.end()) return;
    row->versus[peer] = rounded(*value);
    if (row->value > 0) row->versus[peer + "_ratio"] = rounded(*value / row->value);
}

void Rows::compare_median(const std::string& key, const std::string& peer, const std::vector<double>& times) {
    if (times.empty()) return;
    compare(key, peer, quantile(times, 0.5));
}

}  // namespace sidestep::bench
