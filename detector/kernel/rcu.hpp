// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Waits until what was taken out of the data plane's sight is not looked at any more.
#pragma once

namespace sidestep {

/// Returns when every BPF program that was running at the call has ended: a grace period of RCU (membarrier(2)), some
/// milliseconds. On kernels that cannot say (nohz_full) it waits far longer than a packet takes instead.
void wait_for_rcu_grace_period();

}  // namespace sidestep
