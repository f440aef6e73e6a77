// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A forked child and a pipe between it and us. Each side keeps only its own end, so that the pipe closes when the other
// side ends.
#pragma once

#include <sys/types.h>

#include <functional>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep::topo {

/// The child's use of the pipe.
enum class ChildSide { reads, writes };

struct Child {
    pid_t pid = -1;
    Fd pipe;  ///< our end
};

/// Forks. The child runs `work` with its end of the pipe and exits; we may have threads, so it may only
/// make async-signal-safe calls. exec closes the pipe.
Result<Child> fork_child(ChildSide side, const std::function<void(int pipe)>& work);

}  // namespace sidestep::topo
