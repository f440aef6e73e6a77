// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading files that somebody names on a command line or in a configuration: never more than fits, never a wait.
#pragma once

#include <cstddef>
#include <string>

#include "common/error.hpp"

namespace sidestep {

inline constexpr std::size_t kLargestFile = std::size_t{64} << 20U;  ///< bytes

/// The whole of a regular file of at most `most` bytes. The error says why it cannot be read; directories, devices,
/// FIFOs and sockets are refused without being opened.
Result<std::string> read_file(const std::string& path, std::size_t most = kLargestFile);

}  // namespace sidestep
