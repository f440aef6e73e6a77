// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What is due, within the limits.
#include "detector/engine/neighbor_queue.hpp"

namespace sidestep {

std::vector<NeighborKey> NeighborQueue::take(Nanoseconds now) {
    start_while(now);
    std::vector<NeighborKey> due;
    for (auto neighbor = waiting_.begin(); neighbor != waiting_.end() && left_ > 0;) {
        const auto asked = asked_.find(*neighbor);
        if (asked != asked_.end() && now - asked->second < kOften) {
            ++neighbor;
            continue;
        }
        asked_[*neighbor] = now;
        due.push_back(*neighbor);
        neighbor = waiting_.erase(neighbor);
        --left_;
    }
    return due;
}

void NeighborQueue::start_while(Nanoseconds now) {
    if (now - while_began_ < kAWhile) return;
    while_began_ = now;
    left_ = kAtOnce;
    std::erase_if(asked_, [&](const auto& asked) { return now - asked.second >= kOften; });
}

}  // namespace sidestep
