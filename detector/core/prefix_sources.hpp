// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Decides which of several sources of a prefix counts. A source is a policy, this node (its own addresses are never
// repaired), a bypass (for a stale route, whose interface is gone), a route inside a policy's prefix (inner_routes.hpp), or
// routing, which leaves a destination without policy.
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

/// Added to the slot of a stale route: only for packets that the FIB has no route for.
inline constexpr std::uint32_t kOnlyUnrouted = 1U << 30;

/// Added to the slot of a prefix whose packets the kernel's IPsec policies may have to encrypt, drop or check first. Alone, it
/// is the slot of no policy.
inline constexpr std::uint32_t kKernelFirst = 1U << 29;

/// A prefix and the slot that it leads to. SS_POLICY_EXEMPT and SS_POLICY_NONE are slots of no policy.
struct PrefixEntry {
    Prefix prefix;
    std::uint32_t slot = 0;
};

/// The part of a policy set that concerns prefixes.
struct PrefixSet {
    std::map<Prefix, std::uint32_t> policies;  ///< and their slots
    std::set<Prefix> unprotected;
};

class PrefixSources {
  public:
    /// Makes this set the one in force.
    void set(PrefixSet set) { set_ = std::move(set); }
    [[nodiscard]] const PrefixSet& set() const { return set_; }
    /// All routes inside policies. Returns the prefixes whose entries may have changed.
    std::vector<Prefix> set_inner(std::map<Prefix, std::uint32_t> slots);
    /// A stale route comes, changes or, with nullopt, goes.
    void change_stale(const Prefix& prefix, std::optional<std::uint32_t> slot);
    [[nodiscard]] bool has_stale() const { return !stale_.empty(); }
    /// An address of this node comes or goes. Returns true if that changes anything.
    bool exempt(const Prefix& host, bool add);

    /// All destinations of IPsec policies, in each family in 128-bit form. They, and all prefixes inside them, keep what they
    /// lead to, and get kKernelFirst. Returns true if that changes anything.
    bool guard(std::set<Prefix> destinations);
    [[nodiscard]] std::size_t guards() const { return guarded_.size(); }
    /// Of these destinations, those that a change of `changed` may concern.
    [[nodiscard]] std::vector<Prefix> guarded_below(const std::vector<Prefix>& changed) const;

    /// The slot that a prefix leads to; nullopt if no source has the prefix.
    [[nodiscard]] std::optional<std::uint32_t> slot_of(const Prefix& prefix) const;

    struct Merged {
        std::vector<PrefixEntry> entries;  ///< one per prefix
        std::size_t unplaced = 0;          ///< exempt addresses and routes that did not fit
        std::size_t unguarded = 0;         ///< destinations of IPsec policies that did not fit
    };
    /// All entries as if `set` were in force, for a table with `room` prefixes and SS_MAX_LENGTHS lengths per family.
    /// Returns an error if the set itself does not fit; exempt addresses and routes get the room that is left.
    [[nodiscard]] Result<Merged> merge(const PrefixSet& set, std::size_t room) const;

  private:
    [[nodiscard]] std::optional<std::uint32_t> claim_of(const PrefixSet& set, const Prefix& prefix) const;
    [[nodiscard]] std::uint32_t slot_around(const PrefixSet& set, const Prefix& destination) const;
    [[nodiscard]] bool is_guarded(const Prefix& prefix) const;
    [[nodiscard]] std::uint32_t guarded(const Prefix& prefix, std::uint32_t slot) const;

    PrefixSet set_;
    std::set<Prefix> exempt_;
    std::map<Prefix, std::uint32_t> stale_;
    std::map<Prefix, std::uint32_t> inner_;
    std::set<Prefix> guarded_;
};

}  // namespace sidestep
