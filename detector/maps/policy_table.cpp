// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes policies to the maps.
#include "detector/maps/policy_table.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/lib/portable.h"

// Lets pick.h look up the maps in user space.
struct ss_view {
    const sidestep::Maps* maps;
};

namespace {

template <typename Array>
auto* entry_of(const Array& array, __u32 index) {
    return index < array.size() ? &array[index] : nullptr;
}

const ss_session_state* ss_view_state(const ss_view* view, __u32 index) {
    return entry_of(view->maps->states, index);
}
const ss_candidate* ss_view_candidate(const ss_view* view, __u32 index) {
    return entry_of(view->maps->candidates, index);
}
const ss_list* ss_view_list(const ss_view* view, __u32 index) {
    return entry_of(view->maps->lists, index);
}

}  // namespace

#include "bpf/lib/pick.h"
#include "bpf/lib/sequence_number.h"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr auto kPacketsPatience = 10ms;  // a thousand times as long as a packet takes

PrefixTable table_of(Maps& maps, std::uint32_t bank) {
    return {maps.prefix_tables[bank], maps.prefixes, maps.filters, bank};
}

}  // namespace

PolicyTable::PolicyTable(Maps& maps, SessionTable& sessions)
    : maps_(maps),
      paths_(maps, sessions),
      free_slots_(static_cast<std::uint32_t>(maps.slots.size() / 2), SS_POLICY_EXEMPT + 1),
      tables_{table_of(maps, 0), table_of(maps, 1)} {}

void PolicyTable::set_sources(const Address& source, const std::optional<Address>& source_v4) {
    paths_.set_source(source);
    std::ranges::copy(source.bytes, maps_.node().source);
    constexpr std::array<std::uint8_t, 4> kDummy{192, 0, 0, 8};  // RFC 7600, 4.8
    std::array<std::uint8_t, 4> bytes = kDummy;
    if (source_v4) std::copy_n(source_v4->bytes.begin() + 12, bytes.size(), bytes.begin());
    std::memcpy(&maps_.node().source_v4, bytes.data(), bytes.size());
}

Result<void> PolicyTable::replace(const std::vector<DesiredPolicy>& policies, const std::set<Prefix>& unprotected) {
    std::vector<Policy> wanted;
    wanted.reserve(policies.size());
    for (const auto& policy : policies) static_cast<DesiredPolicy&>(wanted.emplace_back()) = policy;
    return commit(std::move(wanted), unprotected);
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
    paths_.bind_lists();
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

/// Writes the whole set into the bank that is not in force.
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
    const auto key = key_of(policy);
    const auto known = slots_.find(key);
    const auto slot = known != slots_.end() ? std::optional(known->second) : free_slots_.take();
    if (!slot)
        return fail(
            fmt::format("policy table full: more than {} policies; remove some policies", maps_.slots.size() / 2 - 1));
    policy.slot = *slot;
    slots[key] = *slot;
    const bool used_before = *slot < first_unused_slot_;
    first_unused_slot_ = std::max(first_unused_slot_, *slot + 1);
    if (known == slots_.end() && used_before && *slot < maps_.counted_slots) {
        for (std::uint32_t i = 0; i < kStatsPerSlot; ++i) maps_.clear_stats(*slot * kStatsPerSlot + i);
    }
    for (const auto& candidate : policy.config.candidates) {
        const bool as_routed = policy.bypass_of.empty() && policy.candidates.empty();
        const auto position = static_cast<std::uint32_t>(policy.candidates.size());
        auto index = paths_.candidate(candidate, as_routed, policy.config.flow, position);
        if (!index) return std::unexpected(Error{fmt::format("policy {}: {}", name, index.error().message)});
        policy.candidates.push_back(*index);
    }
    begin_flow(policy.config.flow);
    const auto index = paths_.policy(policy.candidates);
    if (!index) return std::unexpected(index.error());
    policy.index = *index;
    return {};
}

/// A flow that has a last number goes on from there. Any other begins ahead of what it may have sent before.
void PolicyTable::begin_flow(std::uint32_t flow) const {
    if (flow == 0 || maps_.senders[flow].next != 0) return;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    maps_.senders[flow].next = ss_first_number(static_cast<__u64>(seconds.count()));
}

ss_target PolicyTable::target_of(std::uint32_t slot, std::uint32_t bank) const {
    if (slot == SS_POLICY_NONE) return {.policy = SS_POLICY_NONE, .stats = 0};
    if (slot == kKernelFirst) return {.policy = SS_POLICY_NONE, .stats = SS_KERNEL_FIRST};
    auto target = maps_.slots[2 * (slot & ~(kOnlyUnrouted | kKernelFirst)) + bank];
    if ((slot & kOnlyUnrouted) != 0) target.stats |= SS_ONLY_UNROUTED;
    if ((slot & kKernelFirst) != 0) target.stats |= SS_KERNEL_FIRST;
    return target;
}

/// Slots that are gone lead nowhere in this bank. New slots are written in both banks, because an adjacency may refer
/// to one before the banks change.
void PolicyTable::write_slots(const std::vector<Policy>& policies, const Slots& slots, std::uint32_t bank) {
    for (const auto& policy : policies) {
        const ss_target target{.policy = policy.index,
                               .stats = stats_index(policy, 0) | (policy.observed ? SS_OBSERVED : 0)};
        maps_.slots[2 * policy.slot + bank] = target;
        if (!slots_.contains(key_of(policy))) maps_.slots[2 * policy.slot + 1 - bank] = target;
    }
    for (const auto& [name, slot] : slots_) {
        if (!slots.contains(name)) maps_.slots[2 * slot + bank] = {.policy = SS_POLICY_NONE, .stats = 0};
    }
}

Result<void> PolicyTable::build_prefixes(const PrefixSet& set, std::uint32_t bank) {
    auto merged = sources_.merge(set, tables_.front().room());
    if (!merged) return std::unexpected(merged.error());
    if (merged->unplaced != 0)
        spdlog::warn("prefix table full: {} local addresses or routes not entered", merged->unplaced);
    unguarded_ = merged->unguarded;
    if (!tables_.at(bank).build(merged->entries, [&](std::uint32_t slot) { return target_of(slot, bank); }))
        return fail("prefix table: too many prefixes collide; remove some prefixes");
    return {};
}

void PolicyTable::put_in_force(std::uint32_t bank) {
    __sync_synchronize();
    SS_WRITE(maps_.node().bank, bank);
    put_in_force_at_ = std::chrono::steady_clock::now();
}

/// Packets that still use the bank not in force finish within microseconds. Must be called before that bank, or
/// anything that only it refers to, is written.
void PolicyTable::wait_for_packets() const {
    if (put_in_force_at_ && std::chrono::steady_clock::now() - *put_in_force_at_ < kPacketsPatience)
        maps_.wait_for_rcu_grace_period();
}

/// Writes the same set into the other bank, because the table in force has no good place for one more prefix.
bool PolicyTable::rebuild() {
    const auto next = 1 - bank();
    wait_for_packets();
    for (const auto& [name, slot] : slots_) maps_.slots[2 * slot + next] = maps_.slots[2 * slot + bank()];
    if (auto built = build_prefixes(sources_.set(), next); !built) {
        spdlog::error("{}", built.error().message);
        return false;
    }
    put_in_force(next);
    return true;
}

/// Changes the table in force, where possible.
void PolicyTable::update(const std::vector<Prefix>& prefixes) {
    auto& table = tables_.at(bank());
    bool placed = true;
    const auto write_one = [&](const Prefix& prefix) {
        const auto slot = sources_.slot_of(prefix);
        if (!slot) {
            table.drop(prefix);
        } else {
            placed = table.put(prefix, target_of(*slot, bank())) && placed;
        }
    };
    std::ranges::for_each(prefixes, write_one);
    std::ranges::for_each(sources_.guarded_below(prefixes), write_one);
    if (!placed) (void)rebuild();
}

/// If the first choice of a policy encapsulates, its packets are looked at even when all sessions are up.
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
    encapsulates_first_ = transit;
    write_always();
    SS_WRITE(maps_.node().always_routes, routes ? 1U : 0U);
}

void PolicyTable::refresh(const Session& session) {
    paths_.refresh(session);
}

void PolicyTable::change_stale(const std::vector<std::pair<Prefix, std::optional<std::uint32_t>>>& changes) {
    std::vector<Prefix> prefixes;
    for (const auto& [prefix, slot] : changes) {
        sources_.change_stale(prefix, slot);
        prefixes.push_back(prefix);
    }
    update(prefixes);
    write_always();
}

void PolicyTable::note_unrouted(bool any) {
    unrouted_ = any;
    write_always();
}

/// A stale or missing route may outlive the failure: its packets are looked at when all is well, too.
void PolicyTable::write_always() {
    SS_WRITE(maps_.repair().always, encapsulates_first_ || unrouted_ || sources_.has_stale() ? 1U : 0U);
}

void PolicyTable::set_inner(std::map<Prefix, std::uint32_t> slots) {
    update(sources_.set_inner(std::move(slots)));
}

void PolicyTable::guard(std::set<Prefix> destinations) {
    if (!sources_.guard(std::move(destinations))) return;
    // The first set will have them; until then a predecessor's tables are in force.
    if (put_in_force_at_ && !rebuild()) unguarded_ = sources_.guards();
}

void PolicyTable::exempt(const Address& address, bool add) {
    const Prefix host{.address = address, .length = 128};
    if (sources_.exempt(host, add)) update({host});
}

std::uint32_t PolicyTable::stats_index(const Policy& policy, std::size_t candidate) const {
    const auto base = policy.slot < maps_.counted_slots ? policy.slot * kStatsPerSlot : 0;  // all others share slot 0
    return base + static_cast<std::uint32_t>(candidate);
}

std::uint32_t PolicyTable::bypass_slot(const std::string& adjacency) const {
    const auto found = slots_.find(bypass_name(adjacency));
    return found == slots_.end() ? SS_POLICY_EXEMPT : found->second;
}

std::uint32_t PolicyTable::rank(const Policy& policy, std::size_t candidate) const {
    const ss_view view{.maps = &maps_};
    return ss_candidate_rank(&view, policy.candidates.at(candidate));
}

std::uint32_t PolicyTable::list_rank(const Policy& policy, std::size_t candidate, std::size_t list) const {
    const ss_view view{.maps = &maps_};
    return ss_list_rank(&view, maps_.candidates[policy.candidates.at(candidate)].list[list].list);
}

std::size_t PolicyTable::copies(const Policy& policy) const {
    const int now = active(policy);
    if (now < 0) return 0;
    const auto candidate = static_cast<std::size_t>(now);
    std::size_t copies = 0;
    for (std::size_t i = 0; i < policy.config.candidates[candidate].lists.size(); ++i)
        copies += list_rank(policy, candidate, i) != SS_DOWN ? 1U : 0U;
    return copies;
}

int PolicyTable::active(const Policy& policy) const {
    const ss_view view{.maps = &maps_};
    const auto picked = ss_pick(&view, &maps_.policies[policy.index], 0);
    return picked.position == SS_MAX_CANDIDATES ? -1 : static_cast<int>(picked.position);
}

bool PolicyTable::reroutes(const Policy& policy) const {
    return !policy.observed && active(policy) != 0;
}

}  // namespace sidestep
