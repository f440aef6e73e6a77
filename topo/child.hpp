// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A forked child and a pipe between it and us. Each side keeps one end alone, so that the pipe ends when the other side
// lets go of it, which is how one learns what became of the other.
#pragma once

#include <sys/types.h>

#include <functional>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep::topo {

/// What the child does with the pipe.
enum class ChildSide { reads, writes };

struct Child {
    pid_t pid = -1;
    Fd pipe;  ///< our end
};

/// Forks. The child runs `work` with its end of the pipe and exits; we may have threads, so only async-signal-safe
/// calls are for it. exec closes the pipe.
Result<Child> fork_child(ChildSide side, const std::function<void(int pipe)>& work);

}  // namespace sidestep::topo
