// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The bitmap of protected prefixes (bpf/lib/filter.h), kept exact: a bit is cleared when its last prefix goes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpf/model/address.hpp"

namespace sidestep {

class PrefixFilter {
  public:
    /// Words for so many prefixes: a power of two, sixteen bits for each prefix.
    static std::uint32_t words_for(std::uint32_t prefixes);
    /// `words` is the map's memory; its size must be a power of two.
    explicit PrefixFilter(std::span<std::uint64_t> words) : words_(words), prefixes_(words.size() * 64) {}

    /// To be called before the prefix is added to the table, and after it was removed.
    void add(const Prefix& prefix);
    void remove(const Prefix& prefix);

  private:
    [[nodiscard]] std::size_t bit_of(const Prefix& prefix) const;

    std::span<std::uint64_t> words_;
    std::vector<std::uint16_t> prefixes_;  ///< by bit; one that is full stays set
};

}  // namespace sidestep
