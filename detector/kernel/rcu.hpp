// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Waits until no program uses what was removed from the tables.
#pragma once

namespace sidestep {

/// Returns when every BPF program that was running at the time of the call has ended: an RCU grace period
/// (membarrier(2)), some milliseconds. On kernels without that (nohz_full), it sleeps far longer than a packet takes.
void wait_for_rcu_grace_period();

}  // namespace sidestep
