// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/prefix_sources.hpp"

#include <array>
#include <iterator>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"
#include "detector/core/prefix_cover.hpp"

namespace sidestep {
namespace {

constexpr int kMappedLength = 96;  // of 0.0.0.0/0 in 128-bit form

/// Collects the lengths in a table.
class Lengths {
  public:
    /// False if the table has no room for this length.
    bool add(const Prefix& prefix) {
        auto& used = used_.at(prefix.address.is_v4() ? SS_IPV4 : SS_IPV6);
        if (used.size() == SS_MAX_LENGTHS && !used.contains(prefix.length)) return false;
        used.insert(prefix.length);
        return true;
    }

  private:
    std::array<std::set<std::uint8_t>, SS_FAMILIES> used_;
};

/// Visits, in order, entries that only one of two maps has, or that differ.
template <typename Map, typename Visit>
void for_each_difference(const Map& a, const Map& b, Visit visit) {
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() || right != b.end()) {
        if (right == b.end() || (left != a.end() && left->first < right->first)) {
            visit((left++)->first);
        } else if (left == a.end() || right->first < left->first) {
            visit((right++)->first);
        } else {
            if (left->second != right->second) visit(left->first);
            ++left;
            ++right;
        }
    }
}

/// Visits the shorter prefixes of its family that cover a prefix, the longest first, until `visit` returns true. Returns
/// whether it did.
template <typename Visit>
bool for_each_cover(const Prefix& prefix, Visit visit) {
    const int shortest = prefix.address.is_v4() && prefix.length >= kMappedLength ? kMappedLength : 0;
    for (int length = prefix.length - 1; length >= shortest; --length) {
        if (visit(Prefix::covering(prefix.address, static_cast<std::uint8_t>(length)))) return true;
    }
    return false;
}

}  // namespace

std::vector<Prefix> PrefixSources::set_inner(std::map<Prefix, std::uint32_t> slots) {
    std::vector<Prefix> changed;
    for_each_difference(inner_, slots, [&](const Prefix& prefix) { changed.push_back(prefix); });
    inner_ = std::move(slots);
    return changed;
}

void PrefixSources::change_stale(const Prefix& prefix, std::optional<std::uint32_t> slot) {
    if (slot) {
        stale_[prefix] = *slot;
    } else {
        stale_.erase(prefix);
    }
}

bool PrefixSources::exempt(const Prefix& host, bool add) {
    return add ? exempt_.insert(host).second : exempt_.erase(host) != 0;
}

bool PrefixSources::guard(std::set<Prefix> destinations) {
    if (guarded_ == destinations) return false;
    guarded_ = std::move(destinations);
    return true;
}

std::vector<Prefix> PrefixSources::guarded_below(const std::vector<Prefix>& changed) const {
    std::vector<Prefix> below;
    for (const auto& prefix : changed) {
        // In order, what a prefix contains follows it.
        for (auto at = guarded_.upper_bound(prefix); at != guarded_.end() && prefix.contains(*at); ++at) {
            if (at->address.is_v4() == prefix.address.is_v4()) below.push_back(*at);
        }
    }
    return below;
}

std::optional<std::uint32_t> PrefixSources::slot_of(const Prefix& prefix) const {
    const auto claim = claim_of(set_, prefix);
    if (claim) return guarded(prefix, *claim);
    if (guarded_.contains(prefix)) return guarded(prefix, slot_around(set_, prefix));
    return std::nullopt;
}

bool PrefixSources::is_guarded(const Prefix& prefix) const {
    if (guarded_.empty()) return false;
    if (guarded_.contains(prefix)) return true;
    const auto before = [&](const Prefix& at) {
        const auto next = guarded_.lower_bound(at);
        return next == guarded_.begin() ? std::nullopt : std::optional(*std::prev(next));
    };
    const auto counts = [&](const Prefix& at) {
        return at.address.is_v4() == prefix.address.is_v4() && guarded_.contains(at);
    };
    return cover_of(prefix, before, counts).has_value();
}

/// This node's own addresses are exempt at every hook, anyway.
std::uint32_t PrefixSources::guarded(const Prefix& prefix, std::uint32_t slot) const {
    if (slot == SS_POLICY_EXEMPT || !is_guarded(prefix)) return slot;
    return slot == SS_POLICY_NONE ? kKernelFirst : slot | kKernelFirst;
}

/// A destination inside a policy's prefix is still the policy's, where the kernel goes first.
std::uint32_t PrefixSources::slot_around(const PrefixSet& set, const Prefix& destination) const {
    std::uint32_t slot = SS_POLICY_NONE;
    for_each_cover(destination, [&](const Prefix& cover) {
        const auto claim = claim_of(set, cover);
        if (claim) slot = *claim;
        return claim.has_value();
    });
    return slot;
}

std::optional<std::uint32_t> PrefixSources::claim_of(const PrefixSet& set, const Prefix& prefix) const {
    if (const auto found = set.policies.find(prefix); found != set.policies.end()) return found->second;
    if (exempt_.contains(prefix)) return SS_POLICY_EXEMPT;
    if (const auto found = stale_.find(prefix); found != stale_.end()) return found->second;
    if (const auto found = inner_.find(prefix); found != inner_.end()) return found->second;
    if (set.unprotected.contains(prefix)) return SS_POLICY_NONE;
    return std::nullopt;
}

Result<PrefixSources::Merged> PrefixSources::merge(const PrefixSet& set, std::size_t room) const {
    Merged merged;
    Lengths lengths;
    bool fits = true;
    const auto add = [&](const Prefix& prefix, std::uint32_t slot) {
        fits = fits && lengths.add(prefix);
        merged.entries.push_back({.prefix = prefix, .slot = guarded(prefix, slot)});
    };
    for (const auto& [prefix, slot] : set.policies) add(prefix, slot);
    for (const auto& prefix : set.unprotected) {
        if (set.policies.contains(prefix)) continue;
        const auto stale_route = stale_.find(prefix);
        const auto slot = stale_route != stale_.end() ? stale_route->second : SS_POLICY_NONE;
        add(prefix, exempt_.contains(prefix) ? SS_POLICY_EXEMPT : slot);
    }
    if (merged.entries.size() > room)
        return fail(fmt::format("prefix table full: more than {} protected prefixes; remove some prefixes", room));
    if (!fits)
        return fail(
            fmt::format("prefix table: more than {} different prefix lengths; remove some prefixes", SS_MAX_LENGTHS));
    const auto add_if_room = [&](const Prefix& prefix, std::uint32_t slot, std::size_t& left_out) {
        if (set.policies.contains(prefix) || set.unprotected.contains(prefix)) return;
        if (merged.entries.size() < room && lengths.add(prefix)) {
            merged.entries.push_back({.prefix = prefix, .slot = guarded(prefix, slot)});
        } else {
            ++left_out;
        }
    };
    // First what must not leave in the clear. Where others have the same prefix, theirs is the slot.
    for (const auto& prefix : guarded_) {
        const auto claim = claim_of(set, prefix);
        add_if_room(prefix, claim ? *claim : slot_around(set, prefix), merged.unguarded);
    }
    const auto add_other = [&](const Prefix& prefix, std::uint32_t slot) {
        if (!guarded_.contains(prefix)) add_if_room(prefix, slot, merged.unplaced);
    };
    for (const auto& prefix : exempt_) add_other(prefix, SS_POLICY_EXEMPT);
    // Then what stale routes must not take.
    for (const bool exceptions : {true, false}) {
        for (const auto& [prefix, slot] : stale_) {
            if ((slot == SS_POLICY_NONE) == exceptions && !exempt_.contains(prefix)) add_other(prefix, slot);
        }
    }
    for (const auto& [prefix, slot] : inner_) {
        if (!exempt_.contains(prefix) && !stale_.contains(prefix)) add_other(prefix, slot);
    }
    return merged;
}

}  // namespace sidestep
