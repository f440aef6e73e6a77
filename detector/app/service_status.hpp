// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The line that `systemctl status` shows: how the sessions and policies are.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sidestep {

struct ServiceStatus {
    std::size_t sessions = 0;
    std::vector<std::string> not_up{};  ///< sessions that are not, as "NAME STATE"
    std::size_t policies = 0;
    std::size_t rerouting = 0;  ///< policies that do not use their first candidate
};

/// Pure. Names at most three sessions.
std::string to_string(const ServiceStatus& status);

}  // namespace sidestep
