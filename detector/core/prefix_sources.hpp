// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Who entries a prefix, and whose claim counts: a policy, this node (its own addresses are never repaired), a bypass
// (of an stale_route, whose route went with its interface), or nobody, by the word of routing (what is left out).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/address.hpp"
#include "common/error.hpp"

namespace sidestep {

/// A prefix, and the slot that it leads to; SS_POLICY_EXEMPT and SS_POLICY_NONE are no policies' slots.
struct PrefixEntry {
    Prefix prefix;
    std::uint32_t slot = 0;
};

/// What of a set goes by prefixes.
struct PrefixSet {
    std::map<Prefix, std::uint32_t> policies;  ///< to slots
    std::set<Prefix> unprotected;
};

class PrefixSources {
  public:
    /// From here on the entries of this set count.
    void set(PrefixSet set) { set_ = std::move(set); }
    [[nodiscard]] const PrefixSet& set() const { return set_; }
    /// The prefixes whose entries may have changed.
    std::vector<Prefix> set_stale(std::map<Prefix, std::uint32_t> slots);
    /// An address of this node comes or goes. True if that is news.
    bool exempt(const Prefix& host, bool add);

    /// Where a prefix leads; nullopt if nobody entries it.
    [[nodiscard]] std::optional<std::uint32_t> slot_of(const Prefix& prefix) const;

    struct Merged {
        std::vector<PrefixEntry> entries;  ///< one per prefix
        std::size_t unplaced = 0;          ///< exempt addresses and stale that there was no room for
    };
    /// All that counts if `set` does, in a table with room for so many prefixes of SS_MAX_LENGTHS lengths a family. An
    /// error if there is no room for the set itself; exempt addresses and stale take what is left.
    [[nodiscard]] Result<Merged> merge(const PrefixSet& set, std::size_t room) const;

  private:
    PrefixSet set_;
    std::set<Prefix> exempt_;
    std::map<Prefix, std::uint32_t> stale_;
};

}  // namespace sidestep
