// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Everything measured runs on one core. What counts is the time that this core spent on it: a machine that is busy with
// something else, or a kernel that waits, changes nothing.
#pragma once

#include <ctime>

#include "common/error.hpp"

namespace sidestep::bench {

/// The last one we may use; the bench itself and sidestepd keep off it where there are two.
int measured_core();
/// Ties the calling thread to that core, ahead of ordinary processes.
Result<void> run_on_measured_core();
/// Keeps the calling thread, and what it starts from now on, away from it.
void keep_off_measured_core();
/// Ahead of ordinary processes, for the calling thread alone; where it is refused, figures are noisier.
void hurry();

/// What the calling thread, or all of this process, and the kernel's softirq thread of the core have taken since it was
/// made.
class CoreTime {
  public:
    explicit CoreTime(clockid_t clock = CLOCK_THREAD_CPUTIME_ID);
    [[nodiscard]] double seconds() const;

  private:
    [[nodiscard]] double total() const;
    clockid_t clock_;
    double begin_;
};

}  // namespace sidestep::bench
