// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/prefix_sources.hpp"

#include <array>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"

namespace sidestep {
namespace {

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

std::optional<std::uint32_t> PrefixSources::slot_of(const Prefix& prefix) const {
    if (const auto found = set_.policies.find(prefix); found != set_.policies.end()) return found->second;
    if (exempt_.contains(prefix)) return SS_POLICY_EXEMPT;
    if (const auto found = stale_.find(prefix); found != stale_.end()) return found->second;
    if (const auto found = inner_.find(prefix); found != inner_.end()) return found->second;
    if (set_.unprotected.contains(prefix)) return SS_POLICY_NONE;
    return std::nullopt;
}

Result<PrefixSources::Merged> PrefixSources::merge(const PrefixSet& set, std::size_t room) const {
    Merged merged;
    Lengths lengths;
    bool fits = true;
    const auto add = [&](const Prefix& prefix, std::uint32_t slot) {
        fits = fits && lengths.add(prefix);
        merged.entries.push_back({.prefix = prefix, .slot = slot});
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
    const auto add_if_room = [&](const Prefix& prefix, std::uint32_t slot) {
        if (set.policies.contains(prefix) || set.unprotected.contains(prefix)) return;
        if (merged.entries.size() < room && lengths.add(prefix)) {
            merged.entries.push_back({.prefix = prefix, .slot = slot});
        } else {
            ++merged.unplaced;
        }
    };
    for (const auto& prefix : exempt_) add_if_room(prefix, SS_POLICY_EXEMPT);
    // First what stale routes must not take.
    for (const bool exceptions : {true, false}) {
        for (const auto& [prefix, slot] : stale_) {
            if ((slot == SS_POLICY_NONE) == exceptions && !exempt_.contains(prefix)) add_if_room(prefix, slot);
        }
    }
    for (const auto& [prefix, slot] : inner_) {
        if (!exempt_.contains(prefix) && !stale_.contains(prefix)) add_if_room(prefix, slot);
    }
    return merged;
}

}  // namespace sidestep
