// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Every path below a run directory is made here, from a name that was checked: nothing else is ever created or removed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace sidestep {

inline constexpr std::size_t kLongestNodeName = 32;

/// True for 1 to kLongestNodeName letters, digits, dots, underscores and hyphens that begin with a letter, a digit or an
/// underscore. So a name is never a way to another directory, and never an option.
bool is_node_name(std::string_view name);

/// What a node has in a run directory.
struct NodePaths {
    std::string socket;   ///< the API
    std::string reading;  ///< the same for questions only
    std::string state;    ///< for a successor
    std::string events;   ///< the last ones, also of earlier processes
    std::string clients;  ///< sessions that clients of the API asked for
    std::string bfd;      ///< what bfdd has asked for
    std::string lock;     ///< held while its detector runs
    std::string pins;     ///< directory
};

/// The socket for questions only, next to that of a node; the same if `socket` is not one of a run directory.
std::string reading_socket(std::string_view socket);

class RunDirectory {
  public:
    explicit RunDirectory(std::string path) : path_(std::move(path)) {}

    [[nodiscard]] const std::string& path() const { return path_; }
    /// A file system of pins, a directory for each node.
    [[nodiscard]] std::string bpffs() const { return path_ + "/bpf"; }
    /// Fails if the name is not one.
    [[nodiscard]] Result<NodePaths> of(std::string_view node) const;

  private:
    std::string path_;
};

}  // namespace sidestep
