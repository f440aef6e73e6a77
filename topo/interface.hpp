// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What an operator sets in the namespace of the present thread. So call these functions inside NetNs::run().
#pragma once

#include <cstdint>
#include <string>

#include "common/error.hpp"

namespace sidestep::topo {

/// Sets an interface up or down; returns the time before, CLOCK_MONOTONIC in nanoseconds.
Result<std::int64_t> set_interface(const std::string& name, bool up);
/// How many packets wait at most in a device's own queue.
Result<void> set_queue_length(const std::string& name, int packets);
/// `path` is below /proc/sys: "net/ipv6/conf/all/forwarding".
Result<void> write_sysctl(const std::string& path, const std::string& value);
/// Packets that the device dropped instead of sending; 0 if it is unknown.
std::uint64_t transmit_drops(const std::string& name);

}  // namespace sidestep::topo
