// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Switches offloads of an interface. A veth device polls if it has receive offload; its senders leave checksums to
// others if it has transmit offload.
#pragma once

#include <string>

#include "common/error.hpp"

namespace sidestep::topo {

/// Generic receive offload, of an interface of this thread's namespace.
Result<void> switch_gro(const std::string& interface, bool on);
/// Checksums of the packets that it sends.
Result<void> switch_checksums(const std::string& interface, bool on);

}  // namespace sidestep::topo
