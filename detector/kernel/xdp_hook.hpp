// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches a program to the XDP hook in an interface's driver. Generic XDP is not used: it runs after the kernel has
// built an skb, and is slower than tc. The interface holds the program, as with tc; there is no link and no pin.
#pragma once

#include <cstdint>

#include "common/error.hpp"

namespace sidestep {

/// Attaches the program, in place of the one with ID `present` (0: none) if that is ours. A program of somebody else
/// stays: an interface has room for only one.
Result<void> xdp_attach(int ifindex, int program_fd, std::uint32_t present);
/// Removes exactly this program. No error if it is not attached, or no such interface.
void xdp_detach(int ifindex, int program_fd);
/// The ID of the attached program; 0: none.
std::uint32_t xdp_present(int ifindex);

}  // namespace sidestep
