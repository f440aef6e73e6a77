// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lengths in use of a table, longest first (bpf/lib/lookup.h). Entries come and go while the data plane walks the
// list.
#pragma once

#include <cstdint>
#include <map>

#include "bpf/abi/sidestep.h"

namespace sidestep {

/// The length, 0 to 128 bits, and its mask in the form that the data plane applies.
ss_length length_of(std::uint32_t length);

class LengthList {
  public:
    /// `list` has SS_MAX_LENGTHS entries.
    LengthList(ss_length* list, std::uint32_t& count) : list_(list), count_(count) {}

    /// True if add() would not exceed SS_MAX_LENGTHS.
    [[nodiscard]] bool has_room(std::uint32_t length) const;
    /// Counts one more prefix of this length. Call add() before the prefix is added, and remove() after it was removed.
    void add(std::uint32_t length);
    void remove(std::uint32_t length);

  private:
    void insert(std::uint32_t length);
    void insert_before(std::uint32_t place, std::uint32_t length);
    void erase(std::uint32_t length);

    ss_length* list_;
    std::uint32_t& count_;
    std::map<std::uint32_t, std::uint32_t> prefixes_;  ///< number of prefixes by length
};

}  // namespace sidestep
