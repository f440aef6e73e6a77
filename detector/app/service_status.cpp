// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/service_status.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {

std::string to_string(const ServiceStatus& status) {
    constexpr std::size_t kNamed = 3;
    const auto& others = status.not_up;
    std::string names;
    for (std::size_t i = 0; i < std::min(others.size(), kNamed); ++i) names += (i == 0 ? "" : ", ") + others[i];
    if (others.size() > kNamed) names += ", ...";
    if (!names.empty()) names = " (" + names + ")";
    return fmt::format("{} of {} sessions up{}; {} of {} policies rerouting", status.sessions - others.size(),
                       status.sessions, names, status.rerouting, status.policies);
}

}  // namespace sidestep
