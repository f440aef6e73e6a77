// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mounts the file system that BPF maps and programs are pinned in.
#pragma once

#include <string>

#include "common/error.hpp"

namespace sidestep {

/// Mounts a bpffs at `directory` (created if necessary) unless one is there.
Result<void> mount_bpffs(const std::string& directory);
/// Unmounts it, unless something is pinned there.
void unmount_bpffs(const std::string& directory);

}  // namespace sidestep
