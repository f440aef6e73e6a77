// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads a node's configuration (docs/man/sidestep.yaml.5). A configuration is accepted as a whole or not at all: each
// mistake becomes a complaint with line and column, all of them are collected, and nothing else happens before.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/file.hpp"
#include "common/yaml.hpp"
#include "detector/config/limits.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

/// Returns true if this machine has an interface with that name.
using InterfaceExists = std::function<bool(const std::string&)>;

/// How to treat an interface that this machine does not have: the configuration may be for another machine.
enum class AbsentInterface { complaint, warning };

/// Reads `text`. `complaints` must be empty except for the file's name. Interfaces for which `exists` returns false
/// become complaints or warnings; old names of keys become warnings. nullopt: see the complaints.
std::optional<Config> read_config(const std::string& text, Complaints& complaints, const InterfaceExists& exists = {},
                                  const ConfigLimits& limits = {}, AbsentInterface absent = AbsentInterface::complaint);

/// True for a text of comments alone, such as the file that the package installs.
bool configures_nothing(std::string_view text);

/// Returns the text of the file at `path`, and names the file in `complaints`; nullopt, with a complaint, if it cannot
/// be read by `read`, which is read_file() or read_input().
std::optional<std::string> read_text(const std::string& path, Complaints& complaints,
                                     Result<std::string> (*read)(const std::string&, std::size_t) = read_file);

/// Relative paths in a configuration are relative to the folder of its file. Makes them relative to the working
/// directory.
void resolve_paths(Config& config, const std::string& path);

/// Does read_config() and resolve_paths() for the file at `path`, which it names in the complaints. A file that cannot
/// be read is a complaint, too.
std::optional<Config> read_config_file(const std::string& path, Complaints& complaints,
                                       const InterfaceExists& exists = {}, const ConfigLimits& limits = {});

/// Asks the kernel (if_nametoindex), in the network namespace of the caller.
bool interface_exists(const std::string& name);

/// The same question about an interface that exists: whether its packets have Ethernet headers, so that neighbors on it can be
/// sent to by their MAC addresses. True if there is no such interface.
bool carries_ethernet(const std::string& name);

}  // namespace sidestep
