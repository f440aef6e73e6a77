// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// In how many copies packets of a hitless policy leave, and what keeps them from having more (docs/hitless.md).
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace sidestep {

struct Copies {
    unsigned flow = 0;
    std::size_t count = 0;
    std::set<std::string> down{};  ///< sessions that keep lists from getting a copy

    [[nodiscard]] bool protects() const { return count >= 2; }
};

/// How packets of a policy would leave if no operator had taken a session of it out of use.
struct Undrained {
    int active = -1;         ///< as PolicyTable::active()
    std::size_t copies = 0;  ///< by that candidate
};

/// "in 2 copies, flow 7", or "unprotected: A-B is down".
std::string to_string(const Copies& copies);

}  // namespace sidestep
