// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's table of IPv6 neighbors. There is one for all network namespaces; when it overflows, entries of others are
// forgotten, and sessions and traffic fail for no visible reason. So it is looked at where many neighbors are asked for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidestep {

struct NeighborTable {
    std::size_t entries = 0;  ///< in use; 0: the kernel does not tell
    std::size_t room = 0;     ///< gc_thresh3
};

/// None where the kernel does not tell: it does so in the first network namespace only.
std::optional<NeighborTable> look_at_neighbor_table();

/// Pure: the entries in use, from the text of /proc/net/stat/ndisc_cache; 0 if there are none in it.
std::size_t neighbors_in_use(std::string_view statistics);

/// Pure: a sentence if `more` neighbors do not fit, with the command that makes room; empty if they do, or nothing is known.
std::string lack_of_room(const std::optional<NeighborTable>& table, std::size_t more);

/// Pure: what is wrong with the table for a node that needs so many entries, whether it has them already or not; empty:
/// nothing, or nothing is known.
std::string overflow(const std::optional<NeighborTable>& table, std::size_t needed);

/// Pure: makes room for twice as many entries.
std::string command_for_room(std::size_t entries);

}  // namespace sidestep
