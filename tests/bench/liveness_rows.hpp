// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The rows of the liveness benchmark while they come together: ours first, then the peers' values beside them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/report.hpp"

namespace sidestep::bench {

/// How often and how long things are tried.
struct Effort {
    int cuts;
    int fast_cuts;  ///< at 250 us and 100 us
    int load_cuts;
    int fifo_cuts;  ///< slow: the detector gets 50 ms of processor time a second to raise the state again
    int dead_cuts;
    int restarts;
    int peer_cuts;  ///< each costs seconds: BFD begins slowly
    int peer_load_cuts;
    std::chrono::milliseconds watch;
    std::chrono::milliseconds watch_many;
    std::chrono::milliseconds cost;
    bool together;  ///< watch the peers while Sidestep is watched; else afterwards
};

/// Says on stderr what is going on, and when.
void progress(const std::string& text);

class Rows {
  public:
    /// The reference is good until the next row.
    Row& add(Row row);
    /// A row with the median of some times.
    Row& add_median(const std::string& key, const std::vector<double>& times, std::optional<double> bar);
    [[nodiscard]] Row& last() { return rows_.back(); }

    /// Puts a peer's value beside ours.
    void compare(const std::string& key, const std::string& peer, std::optional<double> value);
    void compare_median(const std::string& key, const std::string& peer, const std::vector<double>& times);

    std::vector<Row> take() { return std::move(rows_); }

  private:
    std::vector<Row> rows_;
};

}  // namespace sidestep::bench
