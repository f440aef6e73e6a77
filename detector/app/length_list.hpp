// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The prefix lengths in use of one table, which the data plane walks, longest first (bpf/lib/lookup.h).
#pragma once

#include <cstdint>
#include <map>

#include "bpf/abi/sidestep.h"

namespace sidestep {

/// The length and the mask of prefixes of `length` bits, 0 to 128, as the data plane applies it.
ss_length length_of(std::uint32_t length);

class LengthList {
  public:
    LengthList(ss_steering& steering, ss_table table) : steering_(steering), table_(table) {}

    /// True if `add` would not exceed SS_MAX_LENGTHS.
    [[nodiscard]] bool has_room(std::uint32_t length) const;
    /// One more prefix of this length. To be called before the prefix is added, and after it was removed.
    void add(std::uint32_t length);
    void remove(std::uint32_t length);

  private:
    void insert(std::uint32_t length);
    void insert_before(std::uint32_t place, std::uint32_t length);
    void erase(std::uint32_t length);

    ss_steering& steering_;
    ss_table table_;
    std::map<std::uint32_t, std::uint32_t> prefixes_;  ///< number of prefixes by length
};

}  // namespace sidestep
