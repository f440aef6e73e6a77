// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How tests fill the maps of the BPF programs, and read them.
#include "tests/bpf/programs.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace sidestep {

void Programs::set_prefix(const Prefix& prefix, std::uint32_t slot) {
    prefixes_[prefix] = slot;
    std::vector<PrefixEntry> entries;
    for (const auto& [claimed, to] : prefixes_) entries.push_back({.prefix = claimed, .slot = to});
    for (const std::uint32_t bank : {0U, 1U}) {
        const auto target_of = [bank](std::uint32_t of) { return target(bank, of); };
        if (!tables_.at(bank)->build(entries, target_of)) std::abort();
    }
}

void Programs::set_sid(const Prefix& prefix, const ss_sid& sid) {
    ss_prefix key{.length = prefix.length, .address = {}};
    std::ranges::copy(prefix.address.bytes, key.address);
    if (sids_.insert(prefix).second) sid_lengths_->add(prefix.length);
    if (bpf_map__update_elem(maps().ss_sids, &key, sizeof key, &sid, sizeof sid, BPF_ANY) != 0) std::abort();
}

void Programs::set_adjacency(std::uint32_t ifindex, const Address& gateway, const ss_adjacency& adjacency) {
    ss_hop hop{.ifindex = ifindex, .gateway = {}};
    std::ranges::copy(gateway.bytes, hop.gateway);
    if (bpf_map__update_elem(maps().ss_adjacencies, &hop, sizeof hop, &adjacency, sizeof adjacency, BPF_ANY) != 0)
        std::abort();
}

void Programs::set_domain(const std::vector<Prefix>& prefixes) {
    node().domains = 0;
    for (const auto& prefix : prefixes) {
        const auto at = node().domains++;
        node().domain[at] = length_of(prefix.length);
        std::memcpy(node().domain_address[at], prefix.address.bytes.data(), sizeof node().domain_address[0]);
    }
}

void Programs::set_policy_in(std::uint32_t bank, std::uint32_t slot, const std::vector<std::uint32_t>& paths) {
    ss_policy policy{.count = static_cast<std::uint32_t>(paths.size()), .pad = 0, .candidate = {}};
    std::ranges::copy(paths, policy.candidate);
    policies[target(bank, slot).policy] = policy;
    slots[2UL * slot + bank] = target(bank, slot);
}

void Programs::set_candidate(std::uint32_t index, const std::vector<ss_weighted>& weighted) {
    ss_candidate candidate{};
    for (const auto& list : weighted) {
        candidate.list[candidate.lists++] = list;
        candidate.weight += list.weight;
    }
    candidates[index] = candidate;
}

RunResult Programs::ingress(const Bytes& packet, std::uint32_t ifindex) {
    if (!at_xdp_) return run(skeleton_->progs.ss_ingress, packet, ifindex, 0, ifindex);
    const auto before = answered();
    auto result = run_xdp_program(bpf_program__fd(skeleton_->progs.ss_ingress_xdp), packet, ifindex);
    if (result.code == TC_ACT_SHOT && answered() != before) result.code = TC_ACT_STOLEN;
    return result;
}

unsigned Programs::most_segments() const {
    unsigned count = SS_MAX_SEGMENTS;
    while (!takes_header(ETH_HLEN + 40 + 8 + 16 * count)) --count;
    return count;
}

bool Programs::has_no_headroom(std::uint32_t ifindex) {
    ss_xdp_interface port{};
    return bpf_map__lookup_elem(maps().ss_xdp_interfaces, &ifindex, sizeof ifindex, &port, sizeof port, 0) == 0 &&
           port.no_headroom != 0;
}

void Programs::set_xdp_interface(std::uint32_t ifindex, const ss_xdp_interface& port) {
    if (bpf_map__update_elem(maps().ss_xdp_interfaces, &ifindex, sizeof ifindex, &port, sizeof port, BPF_ANY) != 0)
        std::abort();
    if (port.redirect_target == 0) return;
    const auto exit = exit_by(exists(ifindex) ? ifindex : kLoopback);
    if (bpf_map__update_elem(maps().ss_exits, &ifindex, sizeof ifindex, &exit, sizeof exit, BPF_ANY) != 0) std::abort();
}

void Programs::let_copies_out(std::uint32_t candidate, const std::vector<std::uint32_t>& interfaces) {
    const Fd exits(
        bpf_map_create(BPF_MAP_TYPE_DEVMAP, "exits", sizeof(__u32), sizeof(bpf_devmap_val), SS_MAX_LISTS, nullptr));
    const int fd = exits.get();
    for (__u32 i = 0; i < interfaces.size(); ++i) {
        const auto exit = exit_by(interfaces[i]);
        if (bpf_map_update_elem(fd, &i, &exit, BPF_ANY) != 0) std::abort();
    }
    if (bpf_map__update_elem(maps().ss_copies, &candidate, sizeof candidate, &fd, sizeof fd, BPF_ANY) != 0)
        std::abort();
}

ss_candidate_stats Programs::stats(std::uint32_t slot, std::uint32_t candidate) const {
    ss_candidate_stats sum{};
    for (const auto& value : per_cpu<ss_candidate_stats>(skeleton_->maps.ss_stats, stats_index(slot, candidate))) {
        sum.packets += value.packets;
        sum.bytes += value.bytes;
        sum.last_ns = std::max(sum.last_ns, value.last_ns);
        for (std::size_t i = 0; i < SS_DROP_COUNT; ++i) sum.drops[i] += value.drops[i];
    }
    return sum;
}

std::vector<ss_event> Programs::events() {
    std::vector<ss_event> result;
    const auto take = [](void* context, void* data, std::size_t size) {
        auto& event = static_cast<std::vector<ss_event>*>(context)->emplace_back();
        if (size == sizeof event) std::memcpy(&event, data, size);
        return 0;
    };
    ring_buffer* ring = ring_buffer__new(bpf_map__fd(maps().ss_events), take, &result, nullptr);
    ring_buffer__consume(ring);
    ring_buffer__free(ring);
    return result;
}

bpf_devmap_val Programs::exit_by(std::uint32_t ifindex) const {
    bpf_devmap_val exit{};
    exit.ifindex = ifindex;
    if (at_xdp_) exit.bpf_prog.fd = bpf_program__fd(skeleton_->progs.ss_exit_xdp);
    return exit;
}

std::string Programs::load() {
    libbpf_set_print(nullptr);
    skeleton_ = sidestep_bpf__open();
    if (skeleton_ == nullptr) return std::string("cannot open the BPF programs: ") + std::strerror(errno);
    bpf_program__set_autoload(skeleton_->progs.ss_ingress, !at_xdp_);
    bpf_program__set_autoload(skeleton_->progs.ss_ingress_xdp, at_xdp_);
    bpf_program__set_autoload(skeleton_->progs.ss_exit_xdp, at_xdp_);
    bpf_map__set_max_entries(maps().ss_slots, 2 * kSlots);
    bpf_map__set_max_entries(maps().ss_policies, 2 * kSlots + 1);
    bpf_map__set_max_entries(maps().ss_candidates, kPaths);
    bpf_map__set_max_entries(maps().ss_lists, kPaths);
    bpf_map__set_max_entries(maps().ss_stats, kSlots * kStatsPerSlot);
    bpf_map__set_max_entries(maps().ss_prefixes, 2 * PrefixTable::cells_for(kPrefixes));
    bpf_map__set_max_entries(maps().ss_filters, 2 * PrefixTable::words_for(kPrefixes));
    bpf_map__set_max_entries(maps().ss_sids, 64);
    bpf_map__set_max_entries(maps().ss_adjacencies, 64);
    bpf_map__set_max_entries(maps().ss_xdp_interfaces, kPorts);
    bpf_map__set_max_entries(maps().ss_exits, kPorts);
    bpf_map__set_max_entries(maps().ss_copies, kPaths);
    if (const int error = sidestep_bpf__load(skeleton_); error < 0) {
        auto text = std::string("cannot load the BPF programs: ") + std::strerror(-error);
        if (error != -EPERM) throw std::runtime_error(text);  // the verifier's refusal is a fault of theirs
        return text;
    }
    attach(states, maps().ss_states);
    attach(repair, maps().ss_repair_states);
    attach(sessions, maps().ss_sessions);
    attach(plans, maps().ss_plans);
    attach(clock_confs, maps().ss_clock_confs);
    attach(clocks, maps().ss_clocks);
    attach(slots, maps().ss_slots);
    attach(policies, maps().ss_policies);
    attach(candidates, maps().ss_candidates);
    attach(lists, maps().ss_lists);
    attach(reflectors, maps().ss_reflector_sets);
    attach(nodes_, maps().ss_nodes);
    attach(filters_, maps().ss_filters);
    attach(heads_, maps().ss_prefix_tables);
    attach(cells_, maps().ss_prefixes);
    for (const std::uint32_t bank : {0U, 1U})
        tables_.at(bank).emplace(heads_[bank], cells_.all(), filters_.all(), bank);
    sid_lengths_.emplace(node().sid_length, node().sid_lengths);
    set(maps().ss_secrets, 0, secret);
    for (auto& state : states.all()) state = {.rank = SS_UP, .protects = 1};
    set_xdp_interface(kLoopback, {.mac = {}, .redirect_target = 1, .no_headroom = 0});
    set_xdp_interface(kVethNear, {.mac = {2, 0, 0, 0, 0, 1}, .redirect_target = 1, .no_headroom = 0});
    return {};
}

ss_target Programs::target(std::uint32_t bank, std::uint32_t slot) {
    if (slot == SS_POLICY_EXEMPT || slot == SS_POLICY_NONE) return {.policy = slot, .stats = 0};
    if (slot == kKernelFirst) return {.policy = SS_POLICY_NONE, .stats = SS_KERNEL_FIRST};
    const auto flags =
        ((slot & kKernelFirst) != 0 ? SS_KERNEL_FIRST : 0) | ((slot & kObservedSlot) != 0 ? SS_OBSERVED : 0);
    slot &= ~(kKernelFirst | kObservedSlot);
    return {.policy = 2 * slot + bank, .stats = stats_index(slot, 0) | flags};
}

std::uint64_t Programs::answered() const {
    std::uint64_t sum = 0;
    for (const auto& session : sessions.all()) sum += session.rx.answered;
    return sum;
}

}  // namespace sidestep
