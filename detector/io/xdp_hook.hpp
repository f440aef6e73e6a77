// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program at the XDP of an interface, in the driver: the generic one, which the kernel runs on what it has made of a
// packet already, is slower than tc. Held by the interface, as tc's are; no link, no pin.
#pragma once

#include "bpf/model/error.hpp"

namespace sidestep {

/// Attaches, or replaces a program of ours (its name begins with "ss_") in its place. Somebody else's is left alone: an
/// interface has room for one.
Result<void> xdp_attach(int ifindex, int program_fd);
/// True if one of ours is there.
bool xdp_attached(int ifindex);
/// Takes ours away. No error if there is none, or no such interface.
void xdp_detach(int ifindex);

}  // namespace sidestep
