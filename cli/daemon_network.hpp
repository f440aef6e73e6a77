// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Commands that send or look for themselves do so in the network of the daemon that they are about.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"

namespace sidestep {

/// From here on this process is in the daemon's network namespace; `status` is the daemon's answer. Ends the command by
/// `code` if that cannot be.
void enter_network_of(const nlohmann::json& status, ExitCode code);

}  // namespace sidestep
