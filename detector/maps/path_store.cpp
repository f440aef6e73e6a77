// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Shares, marks and sweeps the parts of policies.
#include "detector/maps/path_store.hpp"

#include <linux/if_ether.h>

#include <algorithm>

#include <fmt/format.h>

#include "bpf/lib/portable.h"

namespace sidestep {
namespace {

template <typename Map, typename Gone>
void sweep(Map& map, IndexPool& pool, Gone gone) {
    for (auto entry = map.begin(); entry != map.end();) {
        if (!gone(entry->second)) {
            ++entry;
            continue;
        }
        pool.give_back(entry->second.index);
        entry = map.erase(entry);
    }
}

template <typename Map>
void want_nothing(Map& map) {
    for (auto& [key, entry] : map) entry.wanted = entry.fresh = false;
}

/// Returns the entry of `key`, now marked as wanted, and whether it is new; null if no index is left for a new one.
template <typename Map>
std::pair<typename Map::mapped_type*, bool> intern(Map& map, IndexPool& pool, const typename Map::key_type& key) {
    auto [found, fresh] = map.try_emplace(key);
    auto& entry = found->second;
    entry.wanted = true;
    if (!fresh) return {&entry, false};
    const auto index = pool.take();
    if (!index) {
        map.erase(found);
        return {nullptr, true};
    }
    entry.index = *index;
    return {&entry, true};
}

ListHeader header_of(Encap encap, const LinkAddresses& link, const Address& source,
                     const std::vector<Address>& segments) {
    switch (encap) {
        case Encap::h_encaps:
            return make_encaps_header(link, source, segments);
        case Encap::h_encaps_red:
            return make_encaps_header(link, source, segments, true);
        case Encap::h_insert:
            return make_insert_header(link, segments);
        case Encap::plain:
            break;
    }
    return make_forward_header(link);
}

ss_mode mode_of(Encap encap, bool as_routed) {
    if (encap == Encap::plain) return as_routed ? SS_MODE_PLAIN : SS_MODE_FORWARD;
    return encap == Encap::h_insert ? SS_MODE_INSERT : SS_MODE_ENCAPS;
}

}  // namespace

std::optional<std::uint32_t> IndexPool::take() {
    if (!free_.empty()) {
        const auto index = free_.back();
        free_.pop_back();
        return index;
    }
    if (next_ == capacity_) return std::nullopt;
    return next_++;
}

void IndexPool::turn() {
    free_.insert(free_.end(), resting_.begin(), resting_.end());
    resting_.clear();
}

PathStore::PathStore(Maps& maps, SessionTable& sessions)
    : maps_(maps),
      sessions_(sessions),
      free_lists_(static_cast<std::uint32_t>(maps.lists.size())),
      free_candidates_(static_cast<std::uint32_t>(maps.candidates.size())),
      free_policies_(static_cast<std::uint32_t>(maps.policies.size()), SS_POLICY_EXEMPT + 1) {}

void PathStore::begin_set() {
    free_lists_.turn();
    free_candidates_.turn();
    free_policies_.turn();
    want_nothing(lists_);
    want_nothing(candidates_);
    want_nothing(policies_);
}

void PathStore::end_set() {
    const auto unwanted = [](const Entry& entry) { return !entry.wanted; };
    sweep(policies_, free_policies_, unwanted);
    sweep(candidates_, free_candidates_, unwanted);
    sweep(lists_, free_lists_, unwanted);
    longest_overhead_ = 0;
    for (const auto& [key, entry] : lists_) longest_overhead_ = std::max(longest_overhead_, entry.overhead);
}

void PathStore::abandon_set() {
    const auto fresh = [](const Entry& entry) { return entry.fresh; };
    sweep(policies_, free_policies_, fresh);
    sweep(candidates_, free_candidates_, fresh);
    sweep(lists_, free_lists_, fresh);
}

Result<std::uint32_t> PathStore::candidate(const CandidateConfig& config, bool as_routed, std::uint32_t flow,
                                           std::uint32_t position) {
    CandidateKey key;
    for (const auto& wanted : config.lists) {
        auto index = list(wanted, as_routed, flow, position);
        if (!index) return index;
        key.emplace_back(*index, wanted.weight);
    }
    const auto [entry, fresh] = intern(candidates_, free_candidates_, key);
    if (entry == nullptr)
        return fail(
            fmt::format("more than {} different candidate paths; remove some policies", maps_.candidates.size()));
    if (!fresh) return entry->index;
    // The kernel has taken interfaces that are gone out of what an earlier candidate of this index had.
    if (flow != 0) maps_.set_copies(entry->index, {});
    ss_candidate value{};
    for (const auto& [list_index, weight] : key) {
        value.list[value.lists++] = {.list = list_index, .weight = weight};
        value.weight += weight;
    }
    maps_.candidates[entry->index] = value;
    return entry->index;
}

/// A list may be part of a candidate in force and of another in the new set.
void PathStore::bind_lists() {
    std::vector<std::uint32_t> candidate_of(maps_.lists.size());
    for (const auto& [lists, candidate] : candidates_) {
        if (!candidate.wanted) continue;
        for (const auto& [list, weight] : lists) candidate_of[list] = candidate.index;
    }
    for (auto& [key, entry] : lists_) {
        if (key.flow == 0 || !entry.wanted) continue;
        entry.candidate = candidate_of[entry.index];
        SS_WRITE(maps_.lists[entry.index].candidate, entry.candidate);
    }
    level();
    show_exits();
}

/// Where the copies of each hitless candidate leave.
void PathStore::show_exits() {
    for (const auto& [lists, candidate] : candidates_) {
        if (!candidate.wanted || maps_.lists[lists.front().first].flow == 0) continue;
        std::vector<int> exits;
        for (const auto& [list, weight] : lists) exits.push_back(static_cast<int>(maps_.lists[list].ifindex));
        maps_.set_copies(candidate.index, exits);
    }
}

Result<std::uint32_t> PathStore::policy(const std::vector<std::uint32_t>& candidates) {
    const auto [entry, fresh] = intern(policies_, free_policies_, candidates);
    if (entry == nullptr)
        return fail(fmt::format("more than {} different policies; remove some policies", maps_.policies.size() - 1));
    if (!fresh) return entry->index;
    ss_policy value{};
    for (const auto candidate : candidates) value.candidate[value.count++] = candidate;
    maps_.policies[entry->index] = value;
    return entry->index;
}

Result<std::uint32_t> PathStore::list(const SegmentListConfig& config, bool as_routed, std::uint32_t flow,
                                      std::uint32_t position) {
    const ListKey key{.adjacency = config.adjacency,
                      .source = source_for(config.encap),
                      .segments = config.segments,
                      .sessions = evidence_of(config),
                      .encap = config.encap,
                      .as_routed = as_routed && config.encap == Encap::plain,
                      .mtu = config.mtu,
                      .flow = flow,
                      .position = position};
    const auto* session = sessions_.find(config.adjacency);
    if (session == nullptr) return fail("no adjacency named " + config.adjacency);
    const auto [entry, fresh] = intern(lists_, free_lists_, key);
    if (entry == nullptr)
        return fail(fmt::format("more than {} different segment lists; remove some policies", maps_.lists.size()));
    if (!fresh) return entry->index;
    entry->adjacency = session->index;
    if (config.encap != Encap::plain) {
        const auto header = header_of(config.encap, {}, key.source, config.segments);
        entry->overhead = static_cast<std::uint32_t>(header.bytes.size() - ETH_HLEN);
    }
    maps_.lists[entry->index] = encode(key, *entry);
    return entry->index;
}

Address PathStore::source_for(Encap encap) const {
    return encap == Encap::h_encaps || encap == Encap::h_encaps_red ? source_ : Address{};
}

ss_list PathStore::encode(const ListKey& key, const Entry& entry) const {
    ss_list result{};
    const auto* session = sessions_.find(key.adjacency);
    for (const auto& name : key.sessions) {
        if (const auto* dependence = sessions_.find(name)) result.session[result.sessions++] = dependence->index;
    }
    result.ifindex = static_cast<__u32>(session->ifindex);
    result.mtu = mtu_of(key, entry);
    result.flow = key.flow;
    result.candidate = entry.candidate;
    result.mode = static_cast<__u16>(mode_of(key.encap, key.as_routed));
    const auto link = session->link();
    if (!link || session->ifindex == 0) {
        if (result.mode != SS_MODE_PLAIN) result.mode = SS_MODE_UNUSABLE;
        return result;
    }
    const auto header = header_of(key.encap, *link, key.source, key.segments);
    result.header_length = static_cast<__u16>(header.bytes.size());
    result.srh_offset = header.srh_offset;
    std::copy(header.bytes.begin(), header.bytes.end(), std::begin(result.header));
    return result;
}

/// Writes the list in place and disables it meanwhile. A packet that would take it then would use a link that is just
/// changing.
void PathStore::write(const ListKey& key, const Entry& entry) {
    const auto fresh = encode(key, entry);
    auto& list = maps_.lists[entry.index];
    if (list.mode != SS_MODE_PLAIN) SS_WRITE(list.mode, static_cast<__u16>(SS_MODE_UNUSABLE));
    __sync_synchronize();
    const auto mode = list.mode;
    list = fresh;
    list.mode = mode;
    __sync_synchronize();
    SS_WRITE(list.mode, fresh.mode);
}

void PathStore::refresh(const Session& session) {
    for (const auto& [key, entry] : lists_) {
        if (entry.adjacency == session.index) write(key, entry);
    }
    level();
    show_exits();
}

}  // namespace sidestep
