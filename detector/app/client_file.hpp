// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sessions of clients on disk: a process that takes over from another goes on with those that outlive their owners'
// connections, which end with the process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/duration.hpp"
#include "common/error.hpp"
#include "detector/core/client_sessions.hpp"

namespace sidestep {

/// A session as it was asked for.
struct SavedClient {
    std::string request;
    std::optional<Nanoseconds> lease;
};

/// Replaces the file at `path`; removes it if no session outlives its owner.
Result<void> save_clients(const std::string& path, const std::vector<ClientSession>& sessions);
/// Empty if there is no such file. What makes no sense in it is left out.
std::vector<SavedClient> load_clients(const std::string& path);

}  // namespace sidestep
