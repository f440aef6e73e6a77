// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Logs refused probes, at most once a second.
#pragma once

#include <array>
#include <chrono>

#include <spdlog/spdlog.h>

#include "bpf/abi/sidestep.h"
#include "common/duration.hpp"
#include "detector/app/answers.hpp"

namespace sidestep {

class RejectReport {
  public:
    using Counts = std::array<std::uint64_t, SS_COUNTERS>;

    /// `seen` holds the counters that a predecessor has already reported.
    explicit RejectReport(const Counts& seen) : seen_(seen) {}

    [[nodiscard]] bool due(Nanoseconds now) const { return now >= next_; }
    void report(const Counts& counts, Nanoseconds now) {
        next_ = now + std::chrono::seconds(1);
        for (std::size_t i = 0; i < SS_REJECT_COUNT; ++i) {
            const auto fresh = counts.at(i) - seen_.at(i);
            if (fresh != 0) spdlog::warn("{} probes refused: {}", fresh, counter_name(i));
        }
        seen_ = counts;
    }

  private:
    Counts seen_;
    Nanoseconds next_{};
};

}  // namespace sidestep
