// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads the BPF programs for a test, unpinned and not attached, with their maps as memory.
#pragma once

#include <linux/if_ether.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "bpf/sidestep.skel.h"
#include "common/fd.hpp"
#include "detector/kernel/shared_array.hpp"
#include "detector/maps/length_list.hpp"
#include "detector/maps/prefix_table.hpp"
#include "tests/bpf/packet.hpp"
#include "tests/bpf/run_program.hpp"

namespace sidestep {

/// The bytes that a value occupies, to compare all of it.
template <typename Value>
Bytes memory_of(const Value& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), static_cast<const void*>(&value), sizeof value);
    return bytes;
}

/// Added to the slot of a prefix: `mode: observe`.
inline constexpr std::uint32_t kObservedSlot = 1U << 28;

/// True if the ingress tests run at XDP.
inline bool hook_is_xdp() {
    const char* hook = std::getenv("SIDESTEP_TEST_HOOK");
    return hook != nullptr && std::string_view(hook) == "xdp";
}

class Programs {
  public:
    /// Loads one of the two ingress programs. On failure, why_not() tells the reason.
    explicit Programs(bool at_xdp = hook_is_xdp()) : at_xdp_(at_xdp), why_not_(load()) {}
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs() { sidestep_bpf__destroy(skeleton_); }

    /// Empty if the programs are loaded.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

    template <typename Value>
    void set(bpf_map* map, std::uint32_t index, const Value& value) {
        if (bpf_map__update_elem(map, &index, sizeof index, &value, sizeof value, BPF_ANY) != 0) std::abort();
    }

    /// Puts the destination under the policies of `slot`.
    void set_prefix(const Prefix& prefix, std::uint32_t slot) {
        prefixes_[prefix] = slot;
        std::vector<PrefixEntry> entries;
        for (const auto& [claimed, to] : prefixes_) entries.push_back({.prefix = claimed, .slot = to});
        for (const std::uint32_t bank : {0U, 1U}) {
            const auto target_of = [bank](std::uint32_t of) { return target(bank, of); };
            if (!tables_.at(bank)->build(entries, target_of)) std::abort();
        }
    }

    /// Adds a SID of this node.
    void set_sid(const Prefix& prefix, const ss_sid& sid) {
        ss_prefix key{.length = prefix.length, .address = {}};
        std::ranges::copy(prefix.address.bytes, key.address);
        if (sids_.insert(prefix).second) sid_lengths_->add(prefix.length);
        if (bpf_map__update_elem(maps().ss_sids, &key, sizeof key, &sid, sizeof sid, BPF_ANY) != 0) std::abort();
    }

    /// Maps a gateway on an interface, or any gateway if unspecified, to the adjacency of `session`.
    void set_adjacency(std::uint32_t ifindex, const Address& gateway, const ss_adjacency& adjacency) {
        ss_hop hop{.ifindex = ifindex, .gateway = {}};
        std::ranges::copy(gateway.bytes, hop.gateway);
        if (bpf_map__update_elem(maps().ss_adjacencies, &hop, sizeof hop, &adjacency, sizeof adjacency, BPF_ANY) != 0)
            std::abort();
    }

    /// Sets the outer sources that may send to SIDs of this node.
    void set_domain(const std::vector<Prefix>& prefixes) {
        node().domains = 0;
        for (const auto& prefix : prefixes) {
            const auto at = node().domains++;
            node().domain[at] = length_of(prefix.length);
            std::memcpy(node().domain_address[at], prefix.address.bytes.data(), sizeof node().domain_address[0]);
        }
    }

    /// Sets the policy of a slot in one bank; stats_index() names its counters.
    void set_policy_in(std::uint32_t bank, std::uint32_t slot, const std::vector<std::uint32_t>& paths) {
        ss_policy policy{.count = static_cast<std::uint32_t>(paths.size()), .pad = 0, .candidate = {}};
        std::ranges::copy(paths, policy.candidate);
        policies[target(bank, slot).policy] = policy;
        slots[2UL * slot + bank] = target(bank, slot);
    }
    void set_policy(std::uint32_t slot, const std::vector<std::uint32_t>& paths) {
        for (const std::uint32_t bank : {0U, 1U}) set_policy_in(bank, slot, paths);
    }

    /// Sets a candidate path with weighted lists.
    void set_candidate(std::uint32_t index, const std::vector<ss_weighted>& weighted) {
        ss_candidate candidate{};
        for (const auto& list : weighted) {
            candidate.list[candidate.lists++] = list;
            candidate.weight += list.weight;
        }
        candidates[index] = candidate;
    }
    /// Sets a candidate path with a single list; both have this index.
    void set_path(std::uint32_t index, const ss_list& list) {
        lists[index] = list;
        set_candidate(index, {{.list = index, .weight = 1}});
    }

    void lower(std::uint32_t session, std::uint32_t rank = SS_DOWN) {
        repair[0].active += states[session].rank == SS_UP;
        states[session].rank = rank;
    }

    /// Runs the ingress program, at tc or at XDP; both must give the same result.
    RunResult ingress(const Bytes& packet, std::uint32_t ifindex = kLoopback) {
        if (!at_xdp_) return run(skeleton_->progs.ss_ingress, packet, ifindex, 0, ifindex);
        const auto before = answered();
        auto result = run_xdp_program(bpf_program__fd(skeleton_->progs.ss_ingress_xdp), packet, ifindex);
        if (result.code == TC_ACT_SHOT && answered() != before) result.code = TC_ACT_STOLEN;
        return result;
    }
    [[nodiscard]] bool at_xdp() const { return at_xdp_; }
    /// The program of tc ingress.
    [[nodiscard]] int ingress_program() const { return bpf_program__fd(skeleton_->progs.ss_ingress); }
    [[nodiscard]] int xdp_program() const { return bpf_program__fd(skeleton_->progs.ss_ingress_xdp); }
    [[nodiscard]] int device_program() const { return bpf_program__fd(skeleton_->progs.ss_device); }
    /// True if packets at the tested hook can get a header of this many bytes, including Ethernet.
    [[nodiscard]] bool takes_header(std::uint32_t bytes) const {
        return !at_xdp_ || static_cast<int>(bytes) - ETH_HLEN <= kRoomAtXdp;
    }
    /// Length of the longest list for H.Encaps there.
    [[nodiscard]] unsigned most_segments() const {
        unsigned count = SS_MAX_SEGMENTS;
        while (!takes_header(ETH_HLEN + 40 + 8 + 16 * count)) --count;
        return count;
    }

    /// True if a packet that came in by this interface had too little headroom at XDP.
    [[nodiscard]] bool has_no_headroom(std::uint32_t ifindex) {
        ss_xdp_interface port{};
        return bpf_map__lookup_elem(maps().ss_xdp_interfaces, &ifindex, sizeof ifindex, &port, sizeof port, 0) == 0 &&
               port.no_headroom != 0;
    }
    /// Describes an interface to the XDP programs.
    void set_xdp_interface(std::uint32_t ifindex, const ss_xdp_interface& port) {
        if (bpf_map__update_elem(maps().ss_xdp_interfaces, &ifindex, sizeof ifindex, &port, sizeof port, BPF_ANY) != 0)
            std::abort();
        if (port.redirect_target == 0) return;
        const auto exit = exit_by(exists(ifindex) ? ifindex : kLoopback);
        if (bpf_map__update_elem(maps().ss_exits, &ifindex, sizeof ifindex, &exit, sizeof exit, BPF_ANY) != 0)
            std::abort();
    }
    /// Lets copies of a hitless candidate leave at XDP, by these interfaces.
    void let_copies_out(std::uint32_t candidate, const std::vector<std::uint32_t>& interfaces) {
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

    /// What is routed into the policy device, after it came in by an interface; 0: it is of this node.
    RunResult device(const Bytes& packet, std::uint32_t came_in_by = 0) {
        return run(skeleton_->progs.ss_device, packet, kLoopback, 0, came_in_by);
    }

    /// What the kernel sends out of an interface, after it came in by another; 0: it is of this node.
    RunResult egress(const Bytes& packet, std::uint32_t ifindex, std::uint32_t came_in_by = 0) {
        return run(skeleton_->progs.ss_egress, packet, ifindex, 0, came_in_by);
    }

    RunResult tick(std::uint32_t mark = SS_TICK_MARK) {
        return run(skeleton_->progs.ss_tick, Bytes(SS_TICK_BYTES, 0), kLoopback, mark);
    }

    [[nodiscard]] std::uint64_t counter(std::uint32_t index) const {
        const auto values = per_cpu<std::uint64_t>(skeleton_->maps.ss_counts, index);
        return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t rejects(ss_reject reason) const { return counter(reason); }
    [[nodiscard]] std::uint64_t outcomes(ss_outcome outcome) const { return counter(SS_COUNT_OUTCOMES + outcome); }
    [[nodiscard]] std::uint64_t drops(ss_drop drop) const { return counter(SS_COUNT_DROPS + drop); }
    [[nodiscard]] std::uint64_t all_counters() const {
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < SS_COUNTERS; ++i) sum += counter(i);
        return sum;
    }

    /// Index of the counters of a slot's candidate; SS_MAX_CANDIDATES is for packets that no candidate took.
    static std::uint32_t stats_index(std::uint32_t slot, std::uint32_t candidate) {
        return slot * kStatsPerSlot + candidate;
    }
    /// Counters of a policy's candidate, by position; the one after the last is for packets that no candidate took.
    [[nodiscard]] ss_candidate_stats stats(std::uint32_t slot, std::uint32_t candidate) const {
        ss_candidate_stats sum{};
        for (const auto& value : per_cpu<ss_candidate_stats>(skeleton_->maps.ss_stats, stats_index(slot, candidate))) {
            sum.packets += value.packets;
            sum.bytes += value.bytes;
            sum.last_ns = std::max(sum.last_ns, value.last_ns);
            for (std::size_t i = 0; i < SS_DROP_COUNT; ++i) sum.drops[i] += value.drops[i];
        }
        return sum;
    }

    template <typename Value>
    [[nodiscard]] std::vector<Value> per_cpu(const bpf_map* map, std::uint32_t index) const {
        std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        if (bpf_map__lookup_elem(map, &index, sizeof index, values.data(), values.size() * sizeof(Value), 0) != 0) {
            std::abort();
        }
        return values;
    }

    /// Takes the waiting events out of the ring.
    std::vector<ss_event> events() {
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

    decltype(sidestep_bpf::maps)& maps() { return skeleton_->maps; }

    ss_node& node() { return nodes_[0]; }

    ss_secret secret{{0x0123456789abcdef, 0xfedcba9876543210}};
    SharedArray<ss_session_state> states;
    SharedArray<ss_repair_state> repair;
    SharedArray<ss_session> sessions;
    SharedArray<ss_plan> plans;
    SharedArray<ss_clock_conf> clock_confs;
    SharedArray<ss_clock> clocks;
    SharedArray<ss_target> slots;     ///< slot s in bank b: [2 * s + b]
    SharedArray<ss_policy> policies;  ///< each slot has its own in each bank
    SharedArray<ss_candidate> candidates;
    SharedArray<ss_list> lists;
    SharedArray<ss_reflectors> reflectors;

  private:
    static constexpr std::uint32_t kSlots = 16;
    static constexpr std::uint32_t kPrefixes = 256;
    static constexpr std::uint32_t kStatsPerSlot = SS_MAX_CANDIDATES + 1;
    static constexpr std::uint32_t kPaths = 32;
    static constexpr std::uint32_t kPorts = 16;
    static constexpr int kRoomAtXdp = 256 - 40;  ///< for BPF_PROG_RUN: XDP_PACKET_HEADROOM without struct xdp_frame

    static bool exists(std::uint32_t ifindex) {
        std::array<char, IF_NAMESIZE> name{};
        return ::if_indextoname(ifindex, name.data()) != nullptr;
    }
    /// An interface with the program behind the redirect.
    [[nodiscard]] bpf_devmap_val exit_by(std::uint32_t ifindex) const {
        bpf_devmap_val exit{};
        exit.ifindex = ifindex;
        if (at_xdp_) exit.bpf_prog.fd = bpf_program__fd(skeleton_->progs.ss_exit_xdp);
        return exit;
    }

    std::string load() {
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

    template <typename Array>
    void attach(Array& array, const bpf_map* map) {
        auto mapped = Array::map(bpf_map__fd(map), bpf_map__name(map));
        if (!mapped) std::abort();
        array = std::move(*mapped);
    }

    /// The target of a slot's prefixes and bypasses in a bank.
    static ss_target target(std::uint32_t bank, std::uint32_t slot) {
        if (slot == SS_POLICY_EXEMPT || slot == SS_POLICY_NONE) return {.policy = slot, .stats = 0};
        if (slot == kKernelFirst) return {.policy = SS_POLICY_NONE, .stats = SS_KERNEL_FIRST};
        const auto flags =
            ((slot & kKernelFirst) != 0 ? SS_KERNEL_FIRST : 0) | ((slot & kObservedSlot) != 0 ? SS_OBSERVED : 0);
        slot &= ~(kKernelFirst | kObservedSlot);
        return {.policy = 2 * slot + bank, .stats = stats_index(slot, 0) | flags};
    }

    static RunResult run(const bpf_program* program, const Bytes& packet, std::uint32_t ifindex, std::uint32_t mark,
                         std::uint32_t came_in_by = 0) {
        return run_program(bpf_program__fd(program), packet, ifindex, mark, came_in_by);
    }

    /// Probes answered, over all sessions.
    [[nodiscard]] std::uint64_t answered() const {
        std::uint64_t sum = 0;
        for (const auto& session : sessions.all()) sum += session.rx.answered;
        return sum;
    }

    const bool at_xdp_;
    sidestep_bpf* skeleton_ = nullptr;
    SharedArray<ss_node> nodes_;
    std::set<Prefix> sids_;
    std::optional<LengthList> sid_lengths_;
    SharedArray<ss_prefix_table> heads_;
    SharedArray<ss_cell> cells_;
    SharedArray<std::uint64_t> filters_;
    std::map<Prefix, std::uint32_t> prefixes_;  ///< to slots
    std::array<std::optional<PrefixTable>, 2> tables_;
    std::string why_not_;
};

}  // namespace sidestep
