// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The lengths in use of a table whose entries come and go while the data plane walks them, longest first
// (bpf/lib/lookup.h).
#pragma once

#include <cstdint>
#include <map>

#include "bpf/abi/sidestep.h"

namespace sidestep {

/// The length and the mask of prefixes of `length` bits, 0 to 128, as the data plane applies it.
ss_length length_of(std::uint32_t length);

class LengthList {
  public:
    /// `list` has SS_MAX_LENGTHS entries.
    LengthList(ss_length* list, std::uint32_t& count) : list_(list), count_(count) {}

    /// True if `add` would not exceed SS_MAX_LENGTHS.
    [[nodiscard]] bool has_room(std::uint32_t length) const;
    /// One more prefix of this length. To be called before the prefix is added, and after it was removed.
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
