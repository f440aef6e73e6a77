// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What packets meet at an interface before they reach our program, and whether that is there: programs at XDP and tcx,
// and filters at clsact, whoever attached them.
#pragma once

#include "common/error.hpp"
#include "detector/core/upkeep.hpp"
#include "detector/kernel/rtnl.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {

/// In the order in which packets meet them. At `clsact`, filters are included; without, a program at tcx is before them
/// all. Our own program at XDP is left out, since it passes packets on to tc.
SeenPrograms seen_programs(Rtnl& rtnl, int ifindex, TcSide side, TcKind kind);

}  // namespace sidestep
