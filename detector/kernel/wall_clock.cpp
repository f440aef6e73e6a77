// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/wall_clock.hpp"

#include <sys/timex.h>

#include <chrono>

#include "detector/core/stamp.hpp"

namespace sidestep {

ss_wall_clock look_at_wall_clock(Nanoseconds now) {
    constexpr std::chrono::seconds kGoodFor{10};
    timex kernel{};
    const int state = ::adjtimex(&kernel);
    const bool synchronized = state >= 0 && state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
    const stamp::ErrorEstimate estimate{.synchronized = synchronized,
                                        .error = std::chrono::microseconds(state < 0 ? 0 : kernel.maxerror)};
    const auto until = std::chrono::floor<std::chrono::seconds>(now + kGoodFor);
    return {.tai_offset = static_cast<std::uint16_t>(kernel.tai > 0 ? kernel.tai : 0),
            .error_estimate = stamp::encode(estimate),
            .good_until = static_cast<std::uint32_t>(until.count())};
}

}  // namespace sidestep
