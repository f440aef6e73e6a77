// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An interface whose frames this process reads. It goes with its descriptor, so a process that was killed leaves none.
#pragma once

#include <string>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "topo/netns.hpp"

namespace sidestep::topo {

struct Tap {
    Fd frames;  ///< one whole frame a read(), which does not wait: segmented, with its checksums
    std::string name;
    int ifindex = 0;
};

/// Makes a TAP device in this namespace, up, with a name of the kernel's choice. It says nothing of its own.
Result<Tap> open_tap(const NetNs& netns);

}  // namespace sidestep::topo
