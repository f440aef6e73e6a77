// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/rcu.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <chrono>
#include <thread>

#include <unistd.h>

namespace sidestep {

void wait_for_rcu_grace_period() {
    constexpr std::chrono::milliseconds kInstead{2};
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0) std::this_thread::sleep_for(kInstead);
}

}  // namespace sidestep
