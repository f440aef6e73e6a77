// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Allows one detector per network namespace.
#pragma once

#include <optional>
#include <string>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "detector/kernel/lock_file.hpp"

namespace sidestep {

/// Where the locks of network namespaces are, whatever the run directory.
inline constexpr const char* kNamespaceLocks = "/run/sidestep/netns";

class NamespaceLock {
  public:
    /// Takes the lock of this network namespace, which only root can: a file below `directory`, and the abstract socket
    /// that is the lock of older detectors. Held until the object is destroyed, or the process ends.
    static Result<NamespaceLock> take(const LockHolder& holder, const std::string& directory = kNamespaceLocks);

    NamespaceLock(NamespaceLock&&) noexcept = default;
    NamespaceLock& operator=(NamespaceLock&&) noexcept = default;
    ~NamespaceLock() { file_.remove(); }

  private:
    NamespaceLock(LockFile file, Fd socket) : file_(std::move(file)), socket_(std::move(socket)) {}

    LockFile file_;
    Fd socket_;
};

}  // namespace sidestep
