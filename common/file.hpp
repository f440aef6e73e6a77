// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading files that somebody names on a command line or in a configuration: never more than fits, never a wait. Writing
// files that must not be lost.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace sidestep {

inline constexpr std::size_t kLargestFile = std::size_t{64} << 20U;  ///< bytes

/// Replaces a file as a whole, on the disk too (fsync): whoever reads it meets the old text or the new one. On failure the
/// old one stays. The new one has this mode, whatever the umask.
Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode = 0600);

/// The whole of a regular file of at most `most` bytes. The error says why it cannot be read; directories, devices,
/// FIFOs and sockets are refused without being opened.
Result<std::string> read_file(const std::string& path, std::size_t most = kLargestFile);

/// The same of a file that only its owner may use, who is root or the user of this program.
Result<std::string> read_secret(const std::string& path, std::size_t most = kLargestFile);

/// As read_file() for a command that somebody waits for: "-" is standard input, and the end of a FIFO is waited for.
Result<std::string> read_input(const std::string& path, std::size_t most = kLargestFile);

/// Why nobody could run the program at `path`; empty if somebody can, or if this user cannot tell.
std::string why_not_run(const std::string& path);

/// The paths of what is in a folder with this extension (".sock"), sorted; none if the folder cannot be read.
std::vector<std::string> paths_with(const std::string& folder, std::string_view extension);

}  // namespace sidestep
