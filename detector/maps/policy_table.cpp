// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Policies in the maps.
#include "detector/maps/policy_table.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"
#include "detector/core/stale_routes.hpp"
#include "detector/kernel/rcu.hpp"

// How pick.h looks things up in user space.
struct ss_view {
    const sidestep::Dataplane* dataplane;
};

namespace {

template <typename Array>
auto* entry_of(const Array& array, __u32 index) {
    return index < array.size() ? &array[index] : nullptr;
}

const ss_session_state* ss_view_state(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->states, index);
}
const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->candidates, index);
}
const ss_list* ss_view_list(const ss_view* view, __u32 index) {
    return entry_of(view->dataplane->lists, index);
}

}  // namespace

#include "bpf/lib/pick.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSpareExemptions = 4096;  // own addresses that may yet appear
constexpr std::uint32_t kMostCounted = 16384;     // a counter takes memory on every CPU
// What routing may ask for.
constexpr std::uint32_t kComputedPolicies = 16384;
constexpr std::uint32_t kComputedLists = 16384;
constexpr auto kPacketsPatience = 10ms;         // a thousand times what a packet takes
constexpr const char* kBypassMark = " bypass";  // no policy's name has a space

std::vector<Policy> policies_of(const std::vector<PolicyConfig>& configs, bool computed) {
    std::vector<Policy> result;
    result.reserve(configs.size());
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

PrefixTable table_of(Dataplane& dataplane, std::uint32_t bank) {
    return {dataplane.prefix_tables[bank], dataplane.prefixes.all(), dataplane.filters.all(), bank};
}

/// The file and routing may use the same names.
std::string slot_key(const Policy& policy) {
    return policy.config.name + (policy.computed && policy.bypass_of.empty() ? " computed" : "");
}

}  // namespace

PolicySizes PolicyTable::sizes(const Config& config) {
    PolicySizes sizes;
    std::uint32_t prefixes = kSpareExemptions;
    std::uint32_t paths = 0;
    bool bypasses = false;
    const auto count = [&paths](const std::vector<CandidateConfig>& candidates) {
        for (const auto& candidate : candidates) paths += static_cast<std::uint32_t>(1 + candidate.lists.size());
    };
    for (const auto& policy : config.policies) {
        ++sizes.slots;
        prefixes += static_cast<std::uint32_t>(policy.prefixes.size());
        count(policy.candidates);
    }
    for (const auto& adjacency : config.adjacencies) {
        ++sizes.slots;
        sizes.adjacencies += 2 + static_cast<std::uint32_t>(adjacency.gateways.size());
        bypasses = bypasses || !adjacency.bypass.empty();
        count(adjacency.bypass);
    }
    sizes.sids += static_cast<std::uint32_t>(config.sids.size());
    if (config.routing) {
        sizes.slots += kComputedPolicies;
        bypasses = true;
        sizes.sids += SS_MAX_SESSIONS + 4;
        paths += kComputedLists;
    }
    if (bypasses) prefixes += kRoutesKept;  // what routing computes comes before them
    sizes.adjacencies *= 2;                 // an interface may be replaced by another one
    if (!config.xdp.empty())
        sizes.xdp_interfaces = static_cast<std::uint32_t>(2 * (config.adjacencies.size() + config.xdp.size()));
    sizes.candidates = sizes.lists = 2 * paths + 1;  // the old set and the new one
    sizes.policies = 2 * sizes.slots;
    sizes.cells = PrefixTable::cells_for(prefixes);
    sizes.filter_words = PrefixTable::words_for(prefixes);
    sizes.counted = std::min(sizes.slots, kMostCounted);
    return sizes;
}

PolicyTable::PolicyTable(Dataplane& dataplane, SessionTable& sessions, const Config& config)
    : dataplane_(dataplane),
      sessions_(sessions),
      config_(config),
      paths_(dataplane, sessions, config.source),
      free_slots_(static_cast<std::uint32_t>(dataplane.slots.size() / 2), SS_POLICY_EXEMPT + 1),
      tables_{table_of(dataplane, 0), table_of(dataplane, 1)},
      counted_(sizes(config).counted) {
    std::ranges::copy(config.source.bytes, dataplane.node().source);
    constexpr std::array<std::uint8_t, 4> kDummy{192, 0, 0, 8};  // RFC 7600, 4.8
    auto* source_v4 = reinterpret_cast<std::uint8_t*>(&dataplane.node().source_v4);
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
    return commit(std::move(wanted), {computed.unprotected.begin(), computed.unprotected.end()});
}

Result<void> PolicyTable::commit(std::vector<Policy> wanted, std::set<Prefix> unprotected) {
    Slots slots;
    PrefixSet set{.policies = {}, .unprotected = std::move(unprotected)};
    const auto next = 1 - bank();
    wait_for_packets();
    free_slots_.turn();
    paths_.begin_set();
    if (auto written = write(wanted, slots, set, next); !written) {
        paths_.abandon_set();
        for (const auto& [name, slot] : slots) {
            if (!slots_.contains(name)) free_slots_.give_back(slot);
        }
        return written;
    }
    note_always(wanted);
    put_in_force(next);
    paths_.end_set();
    for (const auto& [name, slot] : slots_) {
        if (!slots.contains(name)) free_slots_.give_back(slot);
    }
    bypasses_.clear();
    for (const auto& policy : wanted) {
        if (!policy.bypass_of.empty()) bypasses_.insert(policy.slot);
    }
    slots_ = std::move(slots);
    policies_ = std::move(wanted);
    sources_.set(std::move(set));
    return {};
}

/// The whole set, in the bank that is not in force.
Result<void> PolicyTable::write(std::vector<Policy>& wanted, Slots& slots, PrefixSet& set, std::uint32_t bank) {
    for (auto& policy : wanted) {
        if (auto assigned = assign(policy, slots); !assigned) return assigned;
        for (const auto& prefix : policy.config.prefixes) set.policies[prefix] = policy.slot;
    }
    write_slots(wanted, slots, bank);
    return build_prefixes(set, bank);
}

Result<void> PolicyTable::assign(Policy& policy, Slots& slots) {
    const auto& name = policy.config.name;
    const auto key = slot_key(policy);
    const auto known = slots_.find(key);
    const auto slot = known != slots_.end() ? std::optional(known->second) : free_slots_.take();
    if (!slot) return fail(fmt::format("more than {} policies", dataplane_.slots.size() / 2 - 1));
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
    const auto index = paths_.policy(policy.candidates);
    if (!index) return std::unexpected(index.error());
    policy.index = *index;
    return {};
}

ss_target PolicyTable::target_of(std::uint32_t slot, std::uint32_t bank) const {
    return slot == SS_POLICY_NONE ? ss_target{.policy = SS_POLICY_NONE, .stats = 0} : dataplane_.slots[2 * slot + bank];
}

/// Slots that are gone lead nowhere in this bank. Those that are new do in both: an adjacency may have one before the
/// banks change.
void PolicyTable::write_slots(const std::vector<Policy>& policies, const Slots& slots, std::uint32_t bank) {
    for (const auto& policy : policies) {
        const ss_target target{.policy = policy.index, .stats = stats_index(policy, 0)};
        dataplane_.slots[2 * policy.slot + bank] = target;
        if (!slots_.contains(slot_key(policy))) dataplane_.slots[2 * policy.slot + 1 - bank] = target;
    }
    for (const auto& [name, slot] : slots_) {
        if (!slots.contains(name)) dataplane_.slots[2 * slot + bank] = {.policy = SS_POLICY_NONE, .stats = 0};
    }
}

Result<void> PolicyTable::build_prefixes(const PrefixSet& set, std::uint32_t bank) {
    auto merged = sources_.merge(set, tables_.front().room());
    if (!merged) return std::unexpected(merged.error());
    if (merged->unplaced != 0)
        spdlog::warn("no room for {} prefixes: addresses of this node, or such as lost their routes with an interface",
                     merged->unplaced);
    if (!tables_.at(bank).build(merged->entries, [&](std::uint32_t slot) { return target_of(slot, bank); }))
        return fail("the protected prefixes are too many of one hash value: take some away, or others");
    return {};
}

void PolicyTable::put_in_force(std::uint32_t bank) {
    __sync_synchronize();
    SS_WRITE(dataplane_.node().bank, bank);
    put_in_force_at_ = std::chrono::steady_clock::now();
}

/// Packets that still go by the bank not in force have microseconds to go. To be called before that bank is written, or
/// anything that it alone refers to.
void PolicyTable::wait_for_packets() const {
    if (put_in_force_at_ && std::chrono::steady_clock::now() - *put_in_force_at_ < kPacketsPatience)
        wait_for_rcu_grace_period();
}

/// The same set in the other bank, since the table in force has no good place for one more prefix.
void PolicyTable::rebuild() {
    const auto next = 1 - bank();
    wait_for_packets();
    for (const auto& [name, slot] : slots_) dataplane_.slots[2 * slot + next] = dataplane_.slots[2 * slot + bank()];
    if (auto built = build_prefixes(sources_.set(), next); !built) return spdlog::error("{}", built.error().message);
    put_in_force(next);
}

/// In the table in force, where that can be.
void PolicyTable::update(const std::vector<Prefix>& prefixes) {
    auto& table = tables_.at(bank());
    bool placed = true;
    for (const auto& prefix : prefixes) {
        const auto slot = sources_.slot_of(prefix);
        if (!slot) {
            table.drop(prefix);
        } else {
            placed = table.put(prefix, target_of(*slot, bank())) && placed;
        }
    }
    if (!placed) rebuild();
}

/// Policies that encapsulate for their first choice have packets looked at even when all is well.
void PolicyTable::note_always(const std::vector<Policy>& policies) {
    bool transit = false;
    bool routes = false;
    for (const auto& policy : policies) {
        if (!policy.bypass_of.empty() || policy.config.candidates.empty()) continue;
        const bool holds = std::ranges::any_of(policy.config.candidates.front().lists,
                                               [](const auto& list) { return list.encap != Encap::plain; });
        transit = transit || (holds && policy.config.steering == Steering::transit);
        routes = routes || (holds && policy.config.steering != Steering::transit);
    }
    SS_WRITE(dataplane_.repair().always, transit ? 1U : 0U);
    SS_WRITE(dataplane_.node().always_routes, routes ? 1U : 0U);
}

void PolicyTable::refresh(const Session& session) {
    paths_.refresh(session);
}

void PolicyTable::set_stale(std::map<Prefix, std::uint32_t> slots) {
    update(sources_.set_stale(std::move(slots)));
}

void PolicyTable::exempt(const Address& address, bool add) {
    const Prefix host{.address = address, .length = 128};
    if (sources_.exempt(host, add)) update({host});
}

std::uint32_t PolicyTable::stats_index(const Policy& policy, std::size_t candidate) const {
    const auto base = policy.slot < counted_ ? policy.slot * kStatsPerSlot : 0;  // slot 0's are everybody else's
    return base + static_cast<std::uint32_t>(candidate);
}

std::uint32_t PolicyTable::bypass_slot(const std::string& adjacency) const {
    const auto found = slots_.find(adjacency + kBypassMark);
    return found == slots_.end() ? SS_POLICY_EXEMPT : found->second;
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
    const auto picked = ss_pick(&view, &dataplane_.policies[policy.index], 0);
    return picked.position == SS_MAX_CANDIDATES ? -1 : static_cast<int>(picked.position);
}

}  // namespace sidestep
