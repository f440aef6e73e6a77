// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One of the two tables of protected prefixes: cells, bitmap and lengths as the data plane reads them
// (bpf/lib/lookup.h). The table not in force is built as a whole. In the table in force, prefixes come and go one by
// one, in steps that are safe for packets, until there is no good place for one more.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "detector/core/prefix_sources.hpp"

namespace sidestep {

class PrefixTable {
  public:
    /// Cells that one table needs for this many prefixes: half of them stay free.
    static std::uint32_t cells_for(std::uint32_t prefixes);
    /// Largest size of the bitmap in words: a power of two, sixteen bits per prefix. Only as many words are used as the
    /// present prefixes need, so that the bitmap stays in the cache.
    static std::uint32_t words_for(std::uint32_t prefixes);

    /// Takes part `number` of the maps' memory, which the tables share equally.
    PrefixTable(ss_prefix_table& head, std::span<ss_cell> all_cells, std::span<std::uint64_t> all_words,
                std::uint32_t number);

    /// How many prefixes the table was made for.
    [[nodiscard]] std::uint32_t room() const;
    /// Fills the table, which must not be in force. Returns false if that is impossible: more than SS_MAX_LENGTHS
    /// lengths in one family, or more prefixes than the table was made for. Each prefix may occur once.
    bool build(std::span<const PrefixEntry> entries, const std::function<ss_target(std::uint32_t slot)>& target_of);

    /// Adds a prefix, or changes its target. Returns false if the table must be rebuilt for that.
    bool put(const Prefix& prefix, const ss_target& target);
    /// Removes a prefix. No error if it is not there.
    void drop(const Prefix& prefix);

  private:
    void clear(std::uint64_t seed);
    bool write_lengths(std::span<const PrefixEntry> entries);
    [[nodiscard]] bool has_length(const Prefix& prefix) const;

    /// The cell of a prefix, or else a cell where it could go; both are null if all cells in reach are taken.
    struct Place {
        std::uint64_t hash;
        ss_cell* present;
        ss_cell* free;
    };
    [[nodiscard]] Place find(const Prefix& prefix);
    /// False if there is no free cell.
    bool insert(const Place& place, const Prefix& prefix, const ss_target& target);

    ss_prefix_table& head_;
    std::span<ss_cell> all_cells_;
    std::span<std::uint64_t> all_words_;
    std::uint32_t taken_ = 0;  ///< cells that are not free
};

}  // namespace sidestep
