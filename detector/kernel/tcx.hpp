// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Programs on an interface by tcx (Linux 6.6 and later): the same place as clsact's, reached without its classifier,
// which costs a packet a third of what our program does while all is well. Held by the interface, as clsact's are; no
// link, no pin.
#pragma once

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

enum class TcSide : unsigned char { ingress, egress };

/// True if the kernel knows tcx.
bool tcx_available();
/// Attaches behind what is there, or replaces a program of ours (its name begins with "ss_") in its place.
Result<void> tcx_attach(int ifindex, TcSide side, int program_fd);
/// The program of ours that is attached; none if there is none.
Fd tcx_program(int ifindex, TcSide side);
/// Takes ours away. No error if there is none, or no such interface.
void tcx_detach(int ifindex, TcSide side);

}  // namespace sidestep
