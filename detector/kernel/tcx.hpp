// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches programs to an interface with tcx (Linux 6.6 and later). They run where clsact's would, but without its
// classifier, which costs a packet a third of what our program takes while all sessions are up. The interface holds the
// program, as with clsact; there is no link and no pin.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

enum class TcSide : unsigned char { ingress, egress };

/// True if the kernel knows tcx.
bool tcx_available();
/// The IDs of the programs there, in the order in which packets meet them; empty if they cannot be read.
std::vector<std::uint32_t> tcx_programs(int ifindex, TcSide side);
/// Attaches before the programs that are there: one that accepts a packet ends its way through the others. Replaces our
/// own (its name begins with "ss_"), in place if that is the first.
Result<void> tcx_attach(int ifindex, TcSide side, int program_fd);
/// Our attached program; none if there is none.
Fd tcx_program(int ifindex, TcSide side);
/// Removes our program. No error if there is none, or no such interface.
void tcx_detach(int ifindex, TcSide side);

}  // namespace sidestep
