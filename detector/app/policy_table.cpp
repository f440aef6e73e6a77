// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies in the maps.
#include "detector/app/policy_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "bpf/lib/portable.h"

// How pick.h looks things up in user space.
struct ss_view {
    const sidestep::Dataplane* dataplane;
};

template <typename Array>
static auto* entry_of(const Array& array, __u32 index) {
    return index < array.size() ? &array[index] : nullptr;
}

static const ss_word* ss_view_word(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->words, index);
}
static const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->candidates, index);
}
static const ss_list* ss_view_list(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->lists, index);
}

#include "bpf/lib/pick.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kSpareExemptions = 4096;  // own addresses that may yet appear
constexpr std::uint32_t kMostCounted = 16384;     // a counter takes memory on every CPU
// What routing may ask for.
constexpr std::uint32_t kComputedPolicies = 16384;
constexpr std::uint32_t kComputedLists = 16384;
constexpr std::uint32_t kComputedPrefixes = 131072;
constexpr const char* kBypassMark = " bypass";  // no policy's name has a space

std::vector<Policy> policies_of(const std::vector<PolicyConfig>& configs, bool computed) {
    std::vector<Policy> result;
    for (const auto& config : configs) {
        result.push_back({.config = config, .bypass_of = {}, .computed = computed, .candidates = {}});
    }
    return result;
}

Policy bypass_of(const std::string& adjacency, const std::vector<CandidateConfig>& candidates, bool computed) {
    PolicyConfig config;
    config.name = adjacency + kBypassMark;
    config.candidates = candidates;
    return {.config = std::move(config), .bypass_of = adjacency, .computed = computed, .candidates = {}};
}

/// The file and routing may use the same names.
std::string slot_key(const Policy& policy) {
    return policy.config.name + (policy.computed && policy.bypass_of.empty() ? " computed" : "");
}

}  // namespace

PolicySizes PolicyTable::sizes(const Config& config) {
    PolicySizes sizes{.prefixes = kSpareExemptions};
    std::uint32_t paths = 0;
    const auto count = [&paths](const std::vector<CandidateConfig>& candidates) {
        for (const auto& candidate : candidates) paths += static_cast<std::uint32_t>(1 + candidate.lists.size());
    };
    for (const auto& policy : config.policies) {
        ++sizes.slots;
        sizes.prefixes += static_cast<std::uint32_t>(policy.prefixes.size());
        count(policy.candidates);
    }
    for (const auto& adjacency : config.adjacencies) {
        ++sizes.slots;
        sizes.adjacencies += 2 + static_cast<std::uint32_t>(adjacency.gateways.size());
        count(adjacency.bypass);
    }
    sizes.sids += static_cast<std::uint32_t>(config.sids.size());
    if (config.routing) {
        sizes.slots += kComputedPolicies;
        sizes.prefixes += kComputedPrefixes;
        sizes.sids += SS_MAX_SESSIONS + 4;
        paths += kComputedLists;
    }
    sizes.adjacencies *= 2;                          // an interface may be replaced by another one
    sizes.candidates = sizes.lists = 2 * paths + 1;  // the old set and the new one
    sizes.filter_words = PrefixFilter::words_for(sizes.prefixes);
    sizes.counted = std::min(sizes.slots, kMostCounted);
    return sizes;
}

PolicyTable::PolicyTable(Dataplane& dataplane, SessionTable& sessions, const Config& config)
    : dataplane_(dataplane),
      sessions_(sessions),
      config_(config),
      paths_(dataplane, sessions, config.source),
      free_slots_(static_cast<std::uint32_t>(dataplane.policies.size() / 2), SS_POLICY_EXEMPT + 1),
      lengths_v6_(dataplane.steering(), SS_IPV6),
      lengths_v4_(dataplane.steering(), SS_IPV4),
      filter_(dataplane.filters.all()),
      counted_(sizes(config).counted),
      prefix_capacity_(sizes(config).prefixes) {
    dataplane.steering().filter_mask = static_cast<__u32>(dataplane.filters.size() - 1);
    std::ranges::copy(config.source.bytes, dataplane.steering().source);
    constexpr std::array<std::uint8_t, 4> kDummy{192, 0, 0, 8};  // RFC 7600, 4.8
    auto* source_v4 = reinterpret_cast<std::uint8_t*>(&dataplane.steering().source_v4);
    if (config.source_v4) {
        std::copy_n(config.source_v4->bytes.begin() + 12, kDummy.size(), source_v4);
    } else {
        std::ranges::copy(kDummy, source_v4);
    }
}

Result<void> PolicyTable::publish() {
    return replace({});
}

Result<void> PolicyTable::replace(const PolicySet& computed) {
    auto wanted = policies_of(config_.policies, false);
    for (auto& policy : policies_of(computed.policies, true)) wanted.push_back(std::move(policy));
    for (const auto& adjacency : config_.adjacencies) {
        const auto found = computed.bypasses.find(adjacency.name);
        if (!adjacency.bypass.empty()) {
            wanted.push_back(bypass_of(adjacency.name, adjacency.bypass, false));
        } else if (found != computed.bypasses.end() && !found->second.empty()) {
            wanted.push_back(bypass_of(adjacency.name, found->second, true));
        }
    }
    return commit(std::move(wanted), {computed.left_out.begin(), computed.left_out.end()});
}

Result<void> PolicyTable::commit(std::vector<Policy> wanted, std::set<Prefix> left_out) {
    std::map<std::string, std::uint32_t> slots;
    free_slots_.turn();
    paths_.begin_set();
    const auto prefixes = prefixes_of(wanted, left_out);
    if (auto room = check_room(prefixes); !room) return room;
    for (auto& policy : wanted) {
        if (auto assigned = assign(policy, slots); !assigned) {
            for (const auto& [name, slot] : slots) {
                if (!slots_.contains(name)) free_slots_.give_back(slot);
            }
            return assigned;
        }
    }
    auto& steering = dataplane_.steering();
    const std::uint32_t bank = 1 - (steering.bank & 1);
    write_bank(wanted, bank);
    for (const auto& [name, slot] : slots_) {
        if (!slots.contains(name)) dataplane_.policies[2 * slot + bank] = {};
    }
    const auto protected_now = prefixes_of(wanted, left_out);
    if (auto added = add_prefixes(protected_now); !added) return added;
    note_held(wanted);
    __sync_synchronize();
    SS_WRITE(steering.bank, bank);  // in force
    drop_prefixes(protected_now);
    for (const auto& [name, slot] : slots_) {
        if (!slots.contains(name)) free_slots_.give_back(slot);
    }
    slots_ = std::move(slots);
    policies_ = std::move(wanted);
    left_out_ = std::move(left_out);
    paths_.end_set();
    return {};
}

Result<void> PolicyTable::assign(Policy& policy, std::map<std::string, std::uint32_t>& slots) {
    const auto& name = policy.config.name;
    const auto key = slot_key(policy);
    const auto known = slots_.find(key);
    const auto slot = known != slots_.end() ? std::optional(known->second) : free_slots_.take();
    if (!slot) return fail(fmt::format("more than {} policies", dataplane_.policies.size() / 2 - 1));
    policy.slot = *slot;
    slots[key] = *slot;
    const bool used_before = *slot < first_unused_slot_;
    first_unused_slot_ = std::max(first_unused_slot_, *slot + 1);
    if (known == slots_.end() && used_before && *slot < counted_) {
        for (std::uint32_t i = 0; i < kStatsPerSlot; ++i) dataplane_.clear_stats(*slot * kStatsPerSlot + i);
    }
    for (const auto& candidate : policy.config.candidates) {
        const bool as_routed = policy.bypass_of.empty() && policy.candidates.empty();
        auto index = paths_.candidate(candidate, as_routed);
        if (!index) return std::unexpected(Error{fmt::format("policy {}: {}", name, index.error().message)});
        policy.candidates.push_back(*index);
    }
    return {};
}

PolicyTable::Prefixes PolicyTable::prefixes_of(const std::vector<Policy>& policies,
                                               const std::set<Prefix>& left_out) const {
    auto result = orphans_;
    for (const auto& prefix : left_out) result.try_emplace(prefix, SS_POLICY_NONE);
    for (const auto& prefix : exempt_) result[prefix] = SS_POLICY_EXEMPT;
    for (const auto& policy : policies) {
        for (const auto& prefix : policy.config.prefixes) result[prefix] = policy.slot;
    }
    return result;
}

/// What lookups go by before they look: to be called before a prefix is in the map...
void PolicyTable::announce(const Prefix& prefix) {
    filter_.add(prefix);
    lengths_of(prefix).add(prefix.length);
}

/// ... and after it is gone.
void PolicyTable::withdraw(const Prefix& prefix) {
    lengths_of(prefix).remove(prefix.length);
    filter_.remove(prefix);
}

/// Nothing is changed unless all of it can be.
Result<void> PolicyTable::check_room(const Prefixes& wanted) const {
    std::array<std::set<std::uint32_t>, 2> lengths;
    std::size_t held = prefixes_.size();
    for (const auto& [prefix, slot] : wanted) {
        lengths[prefix.address.is_v4() ? 1 : 0].insert(prefix.length);
        held += prefixes_.contains(prefix) ? 0 : 1;
    }
    for (const auto& [prefix, slot] : prefixes_) lengths[prefix.address.is_v4() ? 1 : 0].insert(prefix.length);
    if (held > prefix_capacity_) return fail(fmt::format("more than {} protected prefixes", prefix_capacity_));
    for (const auto& used : lengths) {
        if (used.size() > SS_MAX_LENGTHS) return fail(fmt::format("more than {} prefix lengths", SS_MAX_LENGTHS));
    }
    return {};
}

Result<void> PolicyTable::add_prefixes(const Prefixes& wanted) {
    for (const auto& [prefix, slot] : wanted) {
        const auto known = prefixes_.find(prefix);
        if (known != prefixes_.end() && known->second == slot) continue;
        if (known == prefixes_.end()) announce(prefix);
        if (auto set = dataplane_.set_prefix(prefix, slot); !set) return set;
        prefixes_[prefix] = slot;
    }
    return {};
}

void PolicyTable::drop_prefixes(const Prefixes& wanted) {
    std::erase_if(prefixes_, [&](const auto& entry) {
        if (wanted.contains(entry.first)) return false;
        (void)dataplane_.remove_prefix(entry.first);
        withdraw(entry.first);
        return true;
    });
}

void PolicyTable::write_bank(const std::vector<Policy>& policies, std::uint32_t bank) {
    for (const auto& policy : policies) {
        dataplane_.policies[2 * policy.slot + bank] = encode(policy);
        // No packet knows a new slot yet; a prefix may move to it before the banks change.
        if (!slots_.contains(slot_key(policy))) dataplane_.policies[2 * policy.slot + 1 - bank] = encode(policy);
    }
}

/// Policies that encapsulate for their first choice have packets looked at even when all is well.
void PolicyTable::note_held(const std::vector<Policy>& policies) {
    bool transit = false;
    bool routes = false;
    for (const auto& policy : policies) {
        if (!policy.bypass_of.empty() || policy.config.candidates.empty()) continue;
        const bool holds = std::ranges::any_of(policy.config.candidates.front().lists,
                                               [](const auto& list) { return list.encap != Encap::plain; });
        transit = transit || (holds && policy.config.steering == Steering::transit);
        routes = routes || (holds && policy.config.steering != Steering::transit);
    }
    SS_WRITE(dataplane_.gate().held, transit ? 1U : 0U);
    SS_WRITE(dataplane_.steering().held_routes, routes ? 1U : 0U);
}

void PolicyTable::refresh(const Session& session) {
    paths_.refresh(session);
}

/// In a policy, or exempt.
bool PolicyTable::is_configured(const Prefix& prefix) const {
    const auto known = prefixes_.find(prefix);
    const bool in_policy = known != prefixes_.end() && known->second != SS_POLICY_NONE && !orphans_.contains(prefix);
    return in_policy || exempt_.contains(prefix);
}

/// An orphan or an exempt address, which are no part of a set.
void PolicyTable::put_extra(const Prefix& prefix, std::uint32_t slot) {
    const bool known = prefixes_.contains(prefix);
    if (!known && (!lengths_of(prefix).has_room(prefix.length) || prefixes_.size() >= prefix_capacity_)) return;
    if (!known) announce(prefix);
    if (dataplane_.set_prefix(prefix, slot)) prefixes_[prefix] = slot;
}

void PolicyTable::drop_extra(const Prefix& prefix) {
    if (left_out_.contains(prefix)) return put_extra(prefix, SS_POLICY_NONE);
    if (prefixes_.erase(prefix) == 0) return;
    (void)dataplane_.remove_prefix(prefix);
    withdraw(prefix);
}

void PolicyTable::set_orphans(const std::map<Prefix, std::uint32_t>& slots) {
    const auto before = std::exchange(orphans_, {});
    for (const auto& [prefix, slot] : before) {
        if (!slots.contains(prefix)) drop_extra(prefix);
    }
    for (const auto& [prefix, slot] : slots) {
        const auto known = before.find(prefix);
        if (known == before.end() && is_configured(prefix)) continue;
        orphans_[prefix] = slot;
        if (known == before.end() || known->second != slot) put_extra(prefix, slot);
    }
}

void PolicyTable::exempt(const Address& address, bool add) {
    const Prefix host{.address = address, .length = 128};
    if (add ? !exempt_.insert(host).second : exempt_.erase(host) == 0) return;
    const auto known = prefixes_.find(host);
    const bool in_policy =
        known != prefixes_.end() && known->second != SS_POLICY_EXEMPT && known->second != SS_POLICY_NONE;
    if (in_policy) return;
    if (add) {
        put_extra(host, SS_POLICY_EXEMPT);
    } else {
        drop_extra(host);
    }
}

std::uint32_t PolicyTable::stats_index(const Policy& policy, std::size_t candidate) const {
    const auto base = policy.slot < counted_ ? policy.slot * kStatsPerSlot : 0;  // slot 0's are everybody else's
    return base + static_cast<std::uint32_t>(candidate);
}

std::uint32_t PolicyTable::bypass_slot(const std::string& adjacency) const {
    const auto found = slots_.find(adjacency + kBypassMark);
    return found == slots_.end() ? SS_POLICY_EXEMPT : found->second;
}

bool PolicyTable::is_bypass(std::uint32_t slot) const {
    return std::ranges::any_of(policies_,
                               [&](const Policy& policy) { return policy.slot == slot && !policy.bypass_of.empty(); });
}

ss_policy PolicyTable::encode(const Policy& policy) const {
    ss_policy result{};
    result.stats = stats_index(policy, 0);
    for (const auto index : policy.candidates) result.candidate[result.count++] = index;
    return result;
}

std::uint32_t PolicyTable::rank(const Policy& policy, std::size_t candidate) const {
    const ss_view view{.dataplane = &dataplane_};
    return ss_candidate_rank(&view, policy.candidates.at(candidate));
}

std::uint32_t PolicyTable::list_rank(const Policy& policy, std::size_t candidate, std::size_t list) const {
    const ss_view view{.dataplane = &dataplane_};
    return ss_list_rank(&view, dataplane_.candidates[policy.candidates.at(candidate)].list[list].list);
}

int PolicyTable::active(const Policy& policy) const {
    const ss_view view{.dataplane = &dataplane_};
    const auto encoded = encode(policy);
    const auto picked = ss_pick(&view, &encoded, 0);
    return picked.position == SS_MAX_CANDIDATES ? -1 : static_cast<int>(picked.position);
}

}  // namespace sidestep
