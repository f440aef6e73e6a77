// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One of the two tables of protected prefixes: cells, bitmap and lengths as the data plane reads them
// (bpf/lib/lookup.h). The one that is not in force is built anew as a whole. In the one in force prefixes come and go
// one by one, in ways that a packet may meet half done, until it has no good place for one more.
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
    /// What so many prefixes need, for one table: half of the cells stay free.
    static std::uint32_t cells_for(std::uint32_t prefixes);
    /// Words of the bitmap, at the most: a power of two, sixteen bits for each prefix. As many are used as the prefixes
    /// that there are need, so that it stays in the cache.
    static std::uint32_t words_for(std::uint32_t prefixes);

    /// The `number`-th of the equal parts that tables have of the maps' memory.
    PrefixTable(ss_prefix_table& head, std::span<ss_cell> all_cells, std::span<std::uint64_t> all_words,
                std::uint32_t number);

    /// How many prefixes it was made for.
    [[nodiscard]] std::uint32_t room() const;
    /// Fills the table, which is not in force. False if that cannot be: more than SS_MAX_LENGTHS lengths of a family,
    /// or more prefixes than it was made for. No prefix may be claimed twice.
    bool build(std::span<const PrefixEntry> entries, const std::function<ss_target(std::uint32_t slot)>& target_of);

    /// Adds a prefix, or changes where it leads. False if the table has to be built anew for it.
    bool put(const Prefix& prefix, const ss_target& target);
    /// No error if it is not there.
    void drop(const Prefix& prefix);

  private:
    void clear(std::uint64_t seed);
    bool write_lengths(std::span<const PrefixEntry> entries);
    [[nodiscard]] bool has_length(const Prefix& prefix) const;

    /// Where a prefix is, else where it could be; both are null if it is not there and all cells in reach are taken.
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
