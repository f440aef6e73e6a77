// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program at the XDP of an interface, in the driver: the generic one, which the kernel runs on what it has made of a
// packet already, is slower than tc. Held by the interface, as tc's are; no link, no pin.
#pragma once

#include <cstdint>

#include "common/error.hpp"

namespace sidestep {

/// Attaches, in the place of the program with the number `present` (0: none) if that is one of ours. Somebody else's is
/// left alone: an interface has room for one.
Result<void> xdp_attach(int ifindex, int program_fd, std::uint32_t present);
/// Takes this very program away. No error if it is not there, or no such interface.
void xdp_detach(int ifindex, int program_fd);
/// The number of the program that is there now; 0: none. Looks at all interfaces.
std::uint32_t xdp_present(int ifindex);

}  // namespace sidestep
