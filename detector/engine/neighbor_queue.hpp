// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// When to ask for which neighbor: as soon as there is a reason, but each neighbor at most once a second, and not many at
// a time, since thousands of sessions may go down together.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/address.hpp"
#include "common/duration.hpp"

namespace sidestep {

/// An interface's index and an address behind it.
using NeighborKey = std::pair<int, Address>;

class NeighborQueue {
  public:
    static constexpr Nanoseconds kOften = std::chrono::seconds(1);  ///< between two questions for one neighbor
    static constexpr std::size_t kAtOnce = 128;                     ///< questions within kAWhile
    static constexpr Nanoseconds kAWhile = std::chrono::milliseconds(100);

    void add(const NeighborKey& neighbor) { waiting_.insert(neighbor); }
    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    /// Those that are to be asked for now.
    std::vector<NeighborKey> take(Nanoseconds now);

  private:
    void start_while(Nanoseconds now);

    std::set<NeighborKey> waiting_;
    std::map<NeighborKey, Nanoseconds> asked_;  ///< within the last second, and when
    Nanoseconds while_began_ = -kAWhile;
    std::size_t left_ = 0;  ///< of kAtOnce
};

}  // namespace sidestep
