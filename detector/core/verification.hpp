// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which backups are verified from end to end, and by which sessions. A backup whose far end is broken looks well as long as
// its first link is, and is needed only when it is too late to find out. Such a session moves traffic to another backup at
// most (engine_verify.cpp; docs/decisions/0067-verify-backups.md).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "detector/core/desired.hpp"

namespace sidestep {

inline constexpr Nanoseconds kVerifyEvery = std::chrono::milliseconds(100);
inline constexpr std::size_t kMostVerified = 256;

/// Gives each list of `policies` that is to be verified the name of its session, and returns these sessions: one for each
/// adjacency and segments. `sessions` are those that there are already.
std::vector<SessionConfig> verify_backups(std::vector<DesiredPolicy>& policies, const Config& config,
                                          const std::vector<SessionConfig>& sessions);

/// The name that the session of a list has, if it has one. It has a space, which no other session's has.
std::string verification_name(const std::string& adjacency, const std::vector<Address>& segments);

}  // namespace sidestep
