// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Computes how much larger segment lists make packets, before any list is written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "detector/core/config.hpp"

namespace sidestep {

/// Bytes that a list adds to a packet at most: an IPv6 header, and an SRH with all segments (RFC 8754, 2).
inline std::uint32_t overhead_at_most(const SegmentListConfig& list) {
    return list.encap == Encap::plain ? 0 : static_cast<std::uint32_t>(40 + 8 + 16 * list.segments.size());
}

/// The overhead of the longest list.
inline std::uint32_t overhead_at_most(const std::vector<CandidateConfig>& candidates) {
    std::uint32_t longest = 0;
    for (const auto& candidate : candidates) {
        for (const auto& list : candidate.lists) longest = std::max(longest, overhead_at_most(list));
    }
    return longest;
}

}  // namespace sidestep
