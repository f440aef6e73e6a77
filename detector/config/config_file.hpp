// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads a node's configuration (docs/man/sidestep.yaml.5). A configuration is taken whole or not at all: whatever is
// wrong with it becomes a complaint with line and column, all of them are collected, and nothing is done before.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "bpf/abi/sidestep.h"
#include "common/yaml.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

/// What a configuration may ask for at most, and at least.
struct ConfigLimits {
    Nanoseconds shortest_interval{std::chrono::microseconds(50)};         ///< clock kernel or auto
    Nanoseconds shortest_process_interval{std::chrono::milliseconds(1)};  ///< clock process
    Nanoseconds longest_interval{std::chrono::minutes(1)};
    Nanoseconds shortest_allowance{std::chrono::microseconds(10)};
    Nanoseconds longest_allowance{std::chrono::seconds(10)};
    Nanoseconds longest_wait{std::chrono::hours(1)};
    unsigned multiplier = 32;
    unsigned up_count = 64;
    std::size_t adjacencies = SS_MAX_SESSIONS;
    std::size_t intervals = SS_MAX_CLASSES;  ///< distinct ones
    std::size_t candidates = SS_MAX_CANDIDATES;
    std::size_t lists = SS_MAX_LISTS;                  ///< of one candidate path
    std::size_t list_sessions = SS_MAX_LIST_SESSIONS;  ///< its adjacency's included
    std::size_t segments = SS_MAX_SEGMENTS;
    std::size_t lengths = SS_MAX_LENGTHS;  ///< of prefixes, distinct ones of one family
    std::size_t domain = SS_MAX_DOMAIN;
    unsigned weight = 65535;        ///< of one list, and of all lists of a candidate path together
    unsigned smallest_probe = 160;  ///< holds every probe of an adjacency, with its SRH
    unsigned largest_probe = 9000;
    Nanoseconds longest_hold{std::chrono::seconds(60)};
};

/// Whether this machine has an interface of that name.
using InterfaceExists = std::function<bool(const std::string&)>;

/// How an interface is taken that this machine does not have: the configuration may be for another machine.
enum class AbsentInterface { complaint, warning };

/// Reads `text`; `complaints` starts empty and names the file. With `exists`, interfaces it denies are complaints too,
/// or warnings. Old names of keys are warnings. nullopt: see the complaints.
std::optional<Config> read_config(const std::string& text, Complaints& complaints, const InterfaceExists& exists = {},
                                  const ConfigLimits& limits = {}, AbsentInterface absent = AbsentInterface::complaint);

/// The text of the file at `path`, which the complaints are about from now on; nullopt, with a complaint, if it cannot
/// be read.
std::optional<std::string> read_text(const std::string& path, Complaints& complaints);

/// Relative paths in a configuration start at the folder of its file: makes them start where the program does.
void resolve_paths(Config& config, const std::string& path);

/// read_config and resolve_paths of the file at `path`, which is named in the complaints; that it cannot be read is one
/// of them.
std::optional<Config> read_config_file(const std::string& path, Complaints& complaints,
                                       const InterfaceExists& exists = {}, const ConfigLimits& limits = {});

/// Asks the kernel (if_nametoindex) in the network namespace of the caller.
bool interface_exists(const std::string& name);

}  // namespace sidestep
