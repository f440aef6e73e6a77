// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether two processes see the same network. The number is all that a user can compare with a process of somebody
// else, whose /proc/PID/ns is closed to them.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace sidestep {

/// The number of the calling thread's network namespace, as in net:[4026531840]; 0 if the kernel does not say.
inline std::uint64_t network_namespace() {
    struct stat file {};
    return ::stat("/proc/thread-self/ns/net", &file) == 0 ? file.st_ino : 0;
}

}  // namespace sidestep
