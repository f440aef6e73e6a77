// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds what covers a prefix, in anything that is in order of prefixes, without trying every length.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include "common/address.hpp"

namespace sidestep {

/// How many bits two prefixes have in common.
inline std::uint8_t common_length(const Prefix& a, const Prefix& b) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < a.address.bytes.size(); ++i) {
        const auto differing = static_cast<std::uint8_t>(a.address.bytes.at(i) ^ b.address.bytes.at(i));
        bits += static_cast<unsigned>(std::countl_zero(differing));
        if (differing != 0) break;
    }
    return static_cast<std::uint8_t>(std::min({bits, unsigned{a.length}, unsigned{b.length}}));
}

/// The longest prefix that covers `prefix`, is shorter, and counts. `before(p)` is the last prefix there is before p;
/// `counts(p)` says whether p is there, and counts.
template <typename Before, typename Counts>
std::optional<Prefix> cover_of(const Prefix& prefix, Before before, Counts counts) {
    auto at = prefix;
    for (;;) {
        const std::optional<Prefix> last = before(at);
        if (!last) return std::nullopt;
        // Whatever covers `prefix` and lies before `last` covers that, too.
        at = Prefix::covering(prefix.address, common_length(*last, prefix));
        if (counts(at)) return at;
    }
}

}  // namespace sidestep
