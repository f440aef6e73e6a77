// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common/neighbor_table.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include "common/file.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kRoomAtLeast = 8192;

}  // namespace

std::size_t neighbors_in_use(std::string_view statistics) {
    // A head line, then a line per processor; the first column, in hexadecimal, is the same in all of them.
    const auto head = statistics.find('\n');
    if (head == std::string_view::npos || !statistics.starts_with("entries")) return 0;
    const auto line = statistics.substr(head + 1);
    std::size_t entries = 0;
    (void)std::from_chars(line.data(), line.data() + line.size(), entries, 16);
    return entries;
}

std::optional<NeighborTable> look_at_neighbor_table() {
    std::ifstream file("/proc/sys/net/ipv6/neigh/default/gc_thresh3");
    NeighborTable table;
    if (!(file >> table.room)) return std::nullopt;
    table.entries = neighbors_in_use(read_file("/proc/net/stat/ndisc_cache").value_or(""));
    return table;
}

std::string command_for_room(std::size_t entries) {
    const auto wanted = std::max(kRoomAtLeast, 2 * entries);
    return fmt::format("sysctl -w net.ipv6.neigh.default.gc_thresh3={} net.ipv6.neigh.default.gc_thresh2={}", wanted,
                       wanted / 2);
}

std::string lack_of_room(const std::optional<NeighborTable>& table, std::size_t more) {
    if (!table || table->entries + more < table->room) return {};
    return fmt::format(
        "{} more neighbors do not fit into the kernel's table, which all network namespaces share: {} of {} entries "
        "are in use; make room with: {}",
        more, table->entries, table->room, command_for_room(table->entries + more));
}

std::string overflow(const std::optional<NeighborTable>& table, std::size_t needed) {
    if (!table || std::max(table->entries, needed) < table->room) return {};
    return fmt::format(
        "has room for {} neighbors of all network namespaces together; {} are in use, and {} sessions need one each: "
        "some are forgotten, and their sessions fail; make room with: {}",
        table->room, table->entries, needed, command_for_room(std::max(table->entries, needed)));
}

}  // namespace sidestep
